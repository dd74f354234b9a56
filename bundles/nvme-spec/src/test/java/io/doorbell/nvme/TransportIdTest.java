package io.doorbell.nvme;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.doorbell.nvme.TransportId.AddressFamily;
import io.doorbell.nvme.TransportId.Type;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TransportIdTest {
    @Test
    void readsAnEmulatedController() {
        var id = TransportId.parse("trtype:EMULATED traddr:nvme0");

        assertThat(id).isEqualTo(TransportId.emulated("nvme0"));
        assertThat(id.adrfam()).isEqualTo(AddressFamily.NONE);
        assertThat(id.hasNamespace()).isFalse();
        assertThat(id).hasToString("trtype:EMULATED traddr:nvme0");
        assertThatThrownBy(id::port).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void readsAFabricControllerInAnyOrderAndCase() {
        var id = TransportId.parse(
                "  subnqn=nqn.2024-01.io.doorbell:one  TRSVCID:4421 TrType:tcp traddr:192.0.2.7 adrfam:ipv4 ns:3 ");

        assertThat(id.trtype()).isEqualTo(Type.TCP);
        assertThat(id.traddr()).isEqualTo("192.0.2.7");
        assertThat(id.adrfam()).isEqualTo(AddressFamily.IPV4);
        assertThat(id.port()).isEqualTo(4421);
        assertThat(id.subnqn()).isEqualTo("nqn.2024-01.io.doorbell:one");
        assertThat(id.ns()).isEqualTo(3);
        assertThat(id)
                .hasToString("trtype:TCP adrfam:IPv4 traddr:192.0.2.7 trsvcid:4421 subnqn:nqn.2024-01.io.doorbell:one"
                        + " ns:3");
    }

    @Test
    void takesThePortOfNvmeWhereNoneIsGiven() {
        assertThat(TransportId.parse("trtype:RDMA traddr:fe80::1").port()).isEqualTo(4420);
        assertThat(TransportId.parse("trtype:RDMA traddr:fe80::1").adrfam()).isEqualTo(AddressFamily.IPV6);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "trtype:EMULATED traddr:nvme0",
                "trtype:EMULATED traddr:nvme0 subnqn:nqn.2014-08.org.nvmexpress.discovery ns:4294967294",
                "trtype:PCIE traddr:0000:04:00.0",
                "trtype:PCIE traddr:00aa:ff:1f.7 ns:1",
                "trtype:VFIOUSER traddr:/var/run/doorbell/nvme0",
                "trtype:RDMA adrfam:IPv6 traddr:2001:db8::7 trsvcid:4420",
                "trtype:TCP adrfam:IPv4 traddr:127.0.0.1 trsvcid:8009 subnqn:nqn.2014-08.org.nvmexpress:uuid:00112233-4455-6677-8899-aabbccddeeff"
            })
    void printsWhatItReads(String text) {
        var id = TransportId.parse(text);

        assertThat(id).hasToString(text);
        assertThat(TransportId.parse(id.toString())).isEqualTo(id);
    }

    @Test
    void idsOfTheSamePlaceAreEqual() {
        assertThat(TransportId.parse("trtype:pcie traddr:4:0.0"))
                .isEqualTo(TransportId.pcie("0000:04:00.0"))
                .hasSameHashCodeAs(TransportId.pcie("0000:04:00.0"));
        assertThat(TransportId.parse("trtype:PCIe traddr:000A:BC:1F.7").traddr())
                .isEqualTo("000a:bc:1f.7");
        assertThat(TransportId.parse("trtype:tcp traddr:2001:DB8::7 trsvcid:04420"))
                .isEqualTo(TransportId.parse("traddr:2001:db8::7 trtype:TCP"));
        var withNamespace = TransportId.parse("trtype:EMULATED traddr:nvme0 ns:2");
        assertThat(withNamespace.withoutNamespace()).isEqualTo(TransportId.emulated("nvme0"));
        assertThat(TransportId.emulated("nvme0").withNamespace(2)).isEqualTo(withNamespace);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ''                                                  | trtype is missing
                    traddr:nvme0                                        | trtype is missing
                    trtype:EMULATED                                     | traddr is missing
                    trtype:EMULATED traddr                              | "traddr" at character 17 is not key:value
                    trtype:EMULATED traddr:                             | "traddr:" at character 17 is not key:value
                    trtype:FLOPPY traddr:a                              | "FLOPPY" is none of PCIE, EMULATED, VFIOUSER, RDMA, TCP
                    trtype:EMULATED traddr:a color:red                  | unknown key in "color:red" at character 26; allowed keys: trtype, traddr, adrfam, trsvcid, subnqn, ns
                    trtype:EMULATED traddr:a traddr:b                   | traddr given twice, again in "traddr:b" at character 26
                    trtype:EMULATED traddr:../etc                       | no name of an emulated controller
                    trtype:EMULATED traddr:a trsvcid:4420               | trsvcid is only for RDMA and TCP
                    trtype:EMULATED traddr:a adrfam:IPv4                | adrfam is only for RDMA and TCP
                    trtype:EMULATED traddr:a ns:0                       | ns "0" is not a number from 1 to 4294967294
                    trtype:EMULATED traddr:a ns:4294967295              | ns "4294967295" is not a number
                    trtype:EMULATED traddr:a ns:one                     | ns "one" is not a number
                    trtype:PCIE traddr:nvme0                            | no PCI address
                    trtype:PCIE traddr:0000:04:20.0                     | no PCI address
                    trtype:PCIE traddr:0000:04:00.8                     | no PCI address
                    trtype:VFIOUSER traddr:var/run                      | not the absolute path
                    trtype:TCP traddr:localhost                         | no IPv4 or IPv6 address
                    trtype:TCP traddr:192.0.2                           | no IPv4 or IPv6 address
                    trtype:TCP traddr:192.0.2.256                       | no IPv4 or IPv6 address
                    trtype:TCP traddr:2001::db8::7                      | no IPv4 or IPv6 address
                    trtype:TCP traddr:192.0.2.7 adrfam:IPv6             | adrfam IPv6 does not fit traddr 192.0.2.7
                    trtype:TCP traddr:192.0.2.7 adrfam:IB               | "IB" is none of IPv4, IPv6
                    trtype:TCP traddr:192.0.2.7 trsvcid:0               | not a port from 1 to 65535
                    trtype:TCP traddr:192.0.2.7 trsvcid:65536           | not a port
                    trtype:TCP traddr:192.0.2.7 trsvcid:nvme            | not a port
                    trtype:TCP traddr:192.0.2.7 subnqn:disk             | subnqn "disk" is no NVMe Qualified Name
                    trtype:TCP traddr:192.0.2.7 subnqn:nqn.2024-13.a:b  | no NVMe Qualified Name
                    """)
    void saysWhatIsWrongAndWhatIsAllowed(String text, String problem) {
        assertThatThrownBy(() -> TransportId.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("transport id \"" + text + "\": ")
                .hasMessageContaining(problem);
    }

    @Test
    void qualifiedNamesHaveAtMost223Bytes() {
        var start = "nqn.2024-01.io.doorbell:";
        var longest = start + "x".repeat(223 - start.length());

        assertThat(TransportId.emulated("a").withSubnqn(longest).subnqn()).hasSize(223);
        assertThat(Nqn.isValid(longest + "x")).isFalse();
        assertThat(Nqn.isValid(start + "ü".repeat(100))).isFalse();
        assertThat(Nqn.isValid(Nqn.DISCOVERY)).isTrue();
        assertThat(Nqn.isValid("nqn.2024-01.io.doorbell")).isTrue();
        assertThat(Nqn.isValid("nqn.2024-01.io.doorbell:a b")).isFalse();
    }

    @Test
    void broadcastIsNoNamespace() {
        assertThatThrownBy(() -> TransportId.emulated("a").withNamespace(-1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
