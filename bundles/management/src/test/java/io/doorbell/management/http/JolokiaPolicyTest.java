package io.doorbell.management.http;

import static org.assertj.core.api.Assertions.assertThat;

import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.jolokia.server.core.util.HttpMethod;
import org.jolokia.server.core.util.RequestType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class JolokiaPolicyTest {
    private final JolokiaPolicy policy = JolokiaPolicy.ofBundle();

    private static ObjectName name(String name) throws MalformedObjectNameException {
        return new ObjectName(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "io.doorbell:type=Leases",
                "io.doorbell:type=PerfRuns",
                "io.doorbell:type=Reactors",
                "io.doorbell:type=Controller,trid=\"trtype:EMULATED traddr:nvme0\"",
                "java.lang:type=Memory",
                "java.lang:type=GarbageCollector,name=Copy",
            })
    void everyAttributeOfOursAndOfTheJvmCanBeReadAndNoneWritten(String name) throws Exception {
        assertThat(policy.isAttributeReadAllowed(name(name), "Anything")).isTrue();
        assertThat(policy.isObjectNameHidden(name(name))).isFalse();
        assertThat(policy.isAttributeWriteAllowed(name(name), "Anything")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "io.doorbell:type=Leases, revoke(long)",
        "io.doorbell:type=PerfRuns, start(java.lang.String)",
        "io.doorbell:type=PerfRuns, startWith([Ljava.lang.String;)",
        "io.doorbell:type=PerfRuns, stop(long)",
        "io.doorbell:type=Subsystems, 'addNamespace(java.lang.String,int,java.lang.String)'",
        "io.doorbell:type=Bundles, drain(java.lang.String)",
        "'io.doorbell:type=Controller,trid=\"trtype:EMULATED traddr:nvme0\"', reset(java.lang.String)",
    })
    void anOperatorMayExecuteWhatMBeansOfferToOperators(String name, String signature) throws Exception {
        var operation = signature.substring(0, signature.indexOf('('));

        assertThat(policy.isOperationAllowed(name(name), operation)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "java.lang:type=Memory, gc",
        "java.lang:type=Threading, dumpAllThreads",
        "com.sun.management:type=DiagnosticCommand, compilerDirectivesAdd",
        "com.sun.management:type=HotSpotDiagnostic, dumpHeap",
        "java.util.logging:type=Logging, setLoggerLevel",
        "JMImplementation:type=MBeanServerDelegate, anything",
        "jolokia:type=Config, resetHistoryEntries",
        "io.doorbell.other:type=Leases, revoke",
    })
    void nothingElseCanBeExecuted(String name, String operation) throws Exception {
        assertThat(policy.isOperationAllowed(name(name), operation)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "com.sun.management:type=HotSpotDiagnostic",
                "java.util.logging:type=Logging",
                "JMImplementation:type=MBeanServerDelegate",
                "jolokia:type=Config",
                "io.doorbell.other:type=Leases",
            })
    void whatCannotBeReadIsNotListed(String name) throws Exception {
        assertThat(policy.isAttributeReadAllowed(name(name), "Anything")).isFalse();
        assertThat(policy.isObjectNameHidden(name(name))).isTrue();
    }

    @ParameterizedTest
    @EnumSource(RequestType.class)
    void commandsOnEveryMBeanAreThoseThatShowNoValue(RequestType type) {
        var harmless = type == RequestType.LIST || type == RequestType.SEARCH || type == RequestType.VERSION;

        assertThat(policy.isTypeAllowed(type)).isEqualTo(harmless);
    }

    @Test
    void ofTheStoreOfNotificationsNothingIsDoneButThePull() throws Exception {
        assertThat(policy.isOperationAllowed(NotificationRequests.STORE, "pull"))
                .isTrue();
        assertThat(policy.isOperationAllowed(NotificationRequests.STORE, "pull(java.lang.String,java.lang.String)"))
                .isTrue();
        assertThat(policy.isOperationAllowed(NotificationRequests.STORE, "pullAll"))
                .isFalse();
        assertThat(policy.isOperationAllowed(name("jolokia:type=Config"), "pull"))
                .isFalse();
        assertThat(policy.isObjectNameHidden(NotificationRequests.STORE)).isTrue();
    }

    @Test
    void byGetAndPostAndForNoOtherSite() {
        assertThat(policy.isHttpMethodAllowed(HttpMethod.GET)).isTrue();
        assertThat(policy.isHttpMethodAllowed(HttpMethod.POST)).isTrue();
        assertThat(policy.isOriginAllowed("http://evil.example", false)).isFalse();
    }
}
