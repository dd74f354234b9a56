package io.doorbell.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.doorbell.nvme.AdminOpcode;
import io.doorbell.nvme.FeatureId;
import io.doorbell.nvme.LogPageId;
import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.nvme.TcpPdu;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one command left in the memory that all share is nothing that another command's answer may carry. */
@Timeout(300)
class LeftoverTest {
    /** Of what takes some milliseconds, on a machine that has much else to do. */
    private static final Duration BOUND = Duration.ofSeconds(60);

    private static final byte SECRET = (byte) 0xA5;
    private static final int LONGEST = 1 << 17;
    private static final int NOTHING = 2;

    private final Node node = new Node(Node.settings(0, 8192, 4, true));
    private final List<RawHost> hosts = new ArrayList<>();
    private RawHost admin;
    private RawHost reader;
    private RawHost writer;

    @BeforeEach
    void connect() {
        admin = host();
        reader = host().io(1, 128, admin.admin(3), 0, 3);
        writer = host().io(1, 128, host().admin(0), 0, 0);
    }

    @AfterEach
    void close() {
        hosts.forEach(RawHost::close);
        await().atMost(BOUND).until(() -> node.target.connections() == 0 && node.fabrics.associations() == 0);
        node.close();
    }

    private RawHost host() {
        var host = new RawHost(node.target.address());
        hosts.add(host);
        return host;
    }

    /** Writes of another host, as many at once as take the whole memory in turn. */
    private void leaveSecrets() {
        var secret = new byte[LONGEST];
        Arrays.fill(secret, SECRET);
        for (int cid = 0; cid < 32; cid++) {
            writer.send(RawHost.command(NvmOpcode.WRITE, cid, 1, 0, 0, LONGEST / 512 - 1), LONGEST);
        }
        for (int done = 0; done < 32; ) {
            var pdu = writer.read();
            if (pdu.type() == TcpPdu.R2T) {
                int cid = TcpPdu.cccid(pdu.bytes(), 0);
                writer.write(writer.h2cData(cid, TcpPdu.ttag(pdu.bytes(), 0), 0, secret, true));
            } else {
                assertThat(pdu.status()).isZero();
                done++;
            }
        }
    }

    private byte[] read(int nsid, int blockBytes, int bytes) {
        reader.send(RawHost.command(NvmOpcode.READ, 77, nsid, 0, 0, bytes / blockBytes - 1), bytes);
        return data(reader, bytes);
    }

    private static byte[] data(RawHost from, int bytes) {
        var pdu = from.read();
        assertThat(pdu.type()).isEqualTo(TcpPdu.C2H_DATA);
        assertThat(pdu.digestsRight()).isTrue();
        assertThat(pdu.data()).hasSize(bytes);
        assertThat(from.read().status()).isZero();
        return pdu.data();
    }

    @Test
    void aNamespaceThatKeepsNoDataReadsZeroWhateverOthersWrote() {
        for (int bytes : new int[] {4096, 16384, 20480, LONGEST}) {
            leaveSecrets();

            assertThat(read(NOTHING, 4096, bytes)).containsOnly(0);
        }
    }

    @Test
    void aNamespaceThatKeepsNoDataReadsZeroWhateverOthersRead() {
        leaveSecrets();
        for (int bytes : new int[] {512, 4096, LONGEST}) {
            assertThat(read(1, 512, bytes)).containsOnly(SECRET);
            assertThat(read(NOTHING, 4096, 4096)).containsOnly(0);
            assertThat(read(1, 512, bytes)).containsOnly(SECRET);
            assertThat(read(NOTHING, 4096, LONGEST)).containsOnly(0);
        }
    }

    @Test
    void whatCameInACapsuleIsNotReadBack() {
        var secret = new byte[8192];
        Arrays.fill(secret, SECRET);
        for (int i = 0; i < 4; i++) {
            writer.sendInCapsule(RawHost.command(NvmOpcode.WRITE, 1, 2, 0, 0, 1), secret);
            assertThat(writer.read().status()).isZero();

            assertThat(read(NOTHING, 4096, 16384)).containsOnly(0);
        }
    }

    @Test
    void pagesThatAreShorterThanTheBufferEndInZeroes() {
        leaveSecrets();
        int dwords = 8192 / 4 - 1;
        admin.send(
                RawHost.command(
                        AdminOpcode.GET_LOG_PAGE, 5, -1, LogPageId.SMART_HEALTH_INFORMATION | dwords << 16, 0, 0),
                8192);

        var page = data(admin, 8192);

        assertThat(Arrays.copyOfRange(page, 512, 8192)).containsOnly(0);
        assertThat(contains(page)).isFalse();
    }

    @Test
    void noAdminCommandHandsOutWhatOthersWrote() {
        // Get Features with Select 3 has a buffer that it says nothing in.
        for (int select = 0; select < 4; select++) {
            leaveSecrets();
            admin.send(RawHost.command(AdminOpcode.GET_FEATURES, 6, 0, FeatureId.TIMESTAMP | select << 8, 0, 0), 8);
            for (var pdu = admin.read(); ; pdu = admin.read()) {
                assertThat(contains(pdu.data())).as("select %d", select).isFalse();
                if (pdu.type() == TcpPdu.CAPSULE_RESP) {
                    break;
                }
            }
        }
        for (int cns = 0; cns < 0x20; cns++) {
            leaveOne();
            admin.send(RawHost.command(AdminOpcode.IDENTIFY, 7, 1, cns, 0, 0), 4096);
            for (var pdu = admin.read(); ; pdu = admin.read()) {
                assertThat(contains(pdu.data())).as("CNS %02Xh", cns).isFalse();
                if (pdu.type() == TcpPdu.CAPSULE_RESP) {
                    break;
                }
            }
        }
    }

    private void leaveOne() {
        var secret = new byte[8192];
        Arrays.fill(secret, SECRET);
        writer.sendInCapsule(RawHost.command(NvmOpcode.WRITE, 1, 1, 0, 0, 15), secret);
        assertThat(writer.read().status()).isZero();
    }

    private static boolean contains(byte[] data) {
        int run = 0;
        for (byte each : data) {
            run = each == SECRET ? run + 1 : 0;
            if (run == 4) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aReadThatFailsBringsNothing() {
        leaveSecrets();
        reader.send(RawHost.command(NvmOpcode.READ, 9, 1, 0, 1, 7), 4096);

        var answer = reader.read();

        assertThat(answer.type()).isEqualTo(TcpPdu.CAPSULE_RESP);
        assertThat(answer.status()).isEqualTo(Status.LBA_OUT_OF_RANGE | Status.DNR);
    }

    @Test
    void whatWasZeroedReadsZero() {
        leaveSecrets();
        reader.send(RawHost.command(NvmOpcode.WRITE_ZEROES, 9, 1, 0, 0, 255), 0);
        assertThat(reader.read().status()).isZero();
        leaveOneElsewhere();

        assertThat(read(1, 512, LONGEST)).containsOnly(0);
    }

    /** Behind the blocks that are zeroed. */
    private void leaveOneElsewhere() {
        var secret = new byte[8192];
        Arrays.fill(secret, SECRET);
        writer.sendInCapsule(RawHost.command(NvmOpcode.WRITE, 1, 1, 1024, 0, 15), secret);
        assertThat(writer.read().status()).isZero();
    }
}
