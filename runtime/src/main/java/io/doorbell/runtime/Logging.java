package io.doorbell.runtime;

import ch.qos.logback.classic.LoggerContext;
import java.nio.file.Files;
import org.slf4j.LoggerFactory;

/** Where the log goes. To be settled before the first class with a logger is loaded. */
final class Logging {
    private Logging() {}

    /** Console and {@code var/log/doorbell.log}, as {@code config/logback.xml} of the home says. */
    static void ofNode(Home home) {
        System.setProperty("doorbell.home", home.root().toString());
        var configuration = home.root().resolve("config/logback.xml");
        if (Files.exists(configuration)) {
            System.setProperty("logback.configurationFile", configuration.toString());
        } else {
            ofCommand();
        }
    }

    /** Warnings to stderr; stdout belongs to the command. */
    static void ofCommand() {
        System.setProperty(
                "logback.configurationFile",
                Logging.class.getResource("command-logback.xml").toString());
    }

    /** Writes out what is buffered; nothing can be logged afterwards. */
    static void close() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.stop();
        }
    }
}
