package io.doorbell.lab.host;

/** Where the lab says what it is doing, when that takes a while. */
@FunctionalInterface
interface Progress {
    void say(String what);
}
