package io.doorbell.runtime;

import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import io.doorbell.nvme.Nqn;
import io.doorbell.nvme.TlsKey;
import io.doorbell.platform.PrivateFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Keys of hosts: made, and looked at. No node runs for it. */
@Command(
        name = "key",
        description = "Keys by which hosts and nodes know each other: make one, or look whether a file has one.",
        mixinStandardHelpOptions = true,
        subcommands = {KeyCommand.Dhchap.class, KeyCommand.Tls.class, KeyCommand.Check.class})
final class KeyCommand implements Callable<Integer> {
    private static final int MAX_KEY_BYTES = 512;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "no command: dhchap, tls or check");
    }

    /** What those that make a key share. */
    abstract static class Make implements Callable<Integer> {
        @Parameters(
                arity = "0..1",
                paramLabel = "FILE",
                description = "Where to put it, readable by its owner alone; without one it is printed.")
        private Path file;

        @Spec
        CommandSpec spec;

        abstract String make();

        DhchapHash hash(String word) {
            try {
                return DhchapHash.parse(word);
            } catch (IllegalArgumentException unknown) {
                throw new ParameterException(spec.commandLine(), "--hash: " + unknown.getMessage());
            }
        }

        @Override
        public final Integer call() throws IOException {
            String key = make();
            if (file == null) {
                spec.commandLine().getOut().println(key);
            } else if (Files.exists(file)) {
                throw new Refusal(file + " is there already, and may hold a key that somebody uses: take another name");
            } else {
                try {
                    PrivateFile.create(file, key);
                } catch (IOException failed) {
                    throw new Refusal(file + " cannot be written: " + failed);
                }
            }
            return Main.DONE;
        }
    }

    @Command(name = "dhchap", description = "A new key for DH-HMAC-CHAP: DHHC-1:...", mixinStandardHelpOptions = true)
    static final class Dhchap extends Make {
        @Option(
                names = "--hash",
                description =
                        "sha256, sha384 or sha512: make another key of it for each name. Else it is used as it is.")
        private String hash;

        @Option(names = "--length", description = "Bytes: 32, 48 or 64. By default that of the hash, or 32.")
        private Integer length;

        @Override
        String make() {
            var by = hash == null ? null : hash(hash);
            int bytes = length != null ? length : by == null ? 32 : by.bytes();
            if (!List.of(32, 48, 64).contains(bytes) || (by != null && bytes != by.bytes())) {
                throw new ParameterException(
                        spec.commandLine(),
                        "--length " + bytes + ": " + (by == null ? "32, 48 or 64" : by.bytes() + " with " + by.word()));
            }
            return DhchapKey.generate(by, bytes, new SecureRandom()).text();
        }
    }

    @Command(
            name = "tls",
            description = "A new pre-shared key for TLS: NVMeTLSkey-1:...",
            mixinStandardHelpOptions = true)
    static final class Tls extends Make {
        @Option(
                names = "--hash",
                defaultValue = "sha256",
                description =
                        "sha256, for TLS_AES_128_GCM_SHA256, which is the default; or sha384, for TLS_AES_256_GCM_SHA384.")
        private String hash;

        @Override
        String make() {
            var by = hash(hash);
            if (by == DhchapHash.SHA_512) {
                throw new ParameterException(spec.commandLine(), "--hash sha512: sha256 or sha384");
            }
            return TlsKey.generate(by, new SecureRandom()).text();
        }
    }

    @Command(
            name = "check",
            description = "Whether a file holds a key, of which kind, and whether only its owner can use it.",
            mixinStandardHelpOptions = true)
    static final class Check implements Callable<Integer> {
        @Parameters(paramLabel = "FILE", description = "The file.")
        private Path file;

        @Option(names = "--host", description = "With --subsystem: how a host of that name calls a TLS key.")
        private String host;

        @Option(names = "--subsystem", description = "And where it wants to.")
        private String subsystem;

        @Spec
        private CommandSpec spec;

        @Override
        public Integer call() throws IOException {
            if ((host == null) != (subsystem == null)) {
                throw new ParameterException(spec.commandLine(), "--host and --subsystem go together");
            }
            var out = spec.commandLine().getOut();
            try {
                var line = PrivateFile.line(file, "a key", MAX_KEY_BYTES);
                if (!line.startsWith("NVMeTLSkey-1:")) {
                    out.println(file + ": " + DhchapKey.parse(line));
                    return Main.DONE;
                }
                var key = TlsKey.parse(line);
                out.println(file + ": " + key);
                if (host != null) {
                    Nqn.check("--host", host);
                    Nqn.check("--subsystem", subsystem);
                    out.println(key.identity(0, host, subsystem).text());
                    out.println(key.identity(1, host, subsystem).text());
                }
                return Main.DONE;
            } catch (PrivateFile.Refused | IllegalArgumentException wrong) {
                throw new Refusal(wrong.getMessage());
            }
        }
    }
}
