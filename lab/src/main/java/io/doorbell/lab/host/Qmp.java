package io.doorbell.lab.host;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * The monitor of a running QEMU: a request, an answer. QEMU's "QEMU Machine Protocol Specification". One thread at a time; the
 * channel's owner closes it to end a wait.
 */
final class Qmp implements AutoCloseable {
    private final SocketChannel channel;
    private final BufferedReader in;
    private final OutputStream out;

    private Qmp(SocketChannel channel) {
        this.channel = channel;
        in = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
        out = Channels.newOutputStream(channel);
    }

    /** @param channel the caller's, if this throws */
    static Qmp over(SocketChannel channel) throws IOException {
        var qmp = new Qmp(channel);
        // Its greeting.
        qmp.next();
        qmp.execute("qmp_capabilities", Map.of());
        return qmp;
    }

    /**
     * @return what QEMU returned, often an empty map
     * @throws LabException with QEMU's words when it refuses
     */
    Object execute(String command, Map<String, Object> arguments) throws IOException {
        var request = JSON.std.asString(Map.of("execute", command, "arguments", arguments));
        out.write((request + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
        while (true) {
            var answer = next();
            if (answer.get("error") instanceof Map<?, ?> error) {
                throw new LabException(command + " was refused: " + error.get("desc"));
            }
            if (answer.containsKey("return")) {
                return answer.get("return");
            }
            // An event: nobody here waits for one.
        }
    }

    private Map<String, Object> next() throws IOException {
        var line = in.readLine();
        if (line == null) {
            throw new IOException("QEMU has closed its monitor");
        }
        return JSON.std.mapFrom(line);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
