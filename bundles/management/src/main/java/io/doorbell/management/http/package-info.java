/**
 * The MBeans over HTTP. {@link io.doorbell.management.http.ManagementHttp} opens a port on loopback, as
 * {@link io.doorbell.management.http.HttpOptions} say. Every request passes {@link io.doorbell.management.http.Gate}
 * first, whatever its path; then Jolokia ({@link io.doorbell.management.http.JolokiaServlet}) does what
 * {@link io.doorbell.management.http.JolokiaPolicy} allows.
 */
package io.doorbell.management.http;
