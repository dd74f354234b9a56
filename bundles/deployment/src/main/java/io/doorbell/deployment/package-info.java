/** Work in progress. */
package io.doorbell.deployment;
