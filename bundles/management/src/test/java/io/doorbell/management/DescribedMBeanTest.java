package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Parameter;
import java.util.Arrays;
import java.util.stream.Stream;
import javax.management.MBeanOperationInfo;
import javax.management.MBeanServerFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DescribedMBeanTest {
    @ParameterizedTest
    @ValueSource(
            classes = {
                LeasesMXBean.class,
                PerfRunsMXBean.class,
                ReactorsMXBean.class,
                ControllerMXBean.class,
                NodeMXBean.class,
                BundlesMXBean.class,
                SubsystemsMXBean.class,
                NamespacesMXBean.class,
                HostsMXBean.class,
                ListenersMXBean.class,
                ConnectionsMXBean.class,
                CountersMXBean.class,
                ConfigurationMXBean.class,
                HealthMXBean.class,
                EventsMXBean.class
            })
    void everythingAnOperatorSeesIsDescribed(Class<?> type) {
        assertThat(type).hasAnnotation(Description.class);
        assertThat(type.getMethods())
                .allSatisfy(method ->
                        assertThat(method.getAnnotation(Description.class)).isNotNull());
        assertThat(Arrays.stream(type.getMethods()).map(Method::getParameters).flatMap(Stream::of))
                .extracting((Parameter parameter) -> parameter.getAnnotation(Description.class))
                .doesNotContainNull();
    }

    @Test
    void descriptionsReachTheClient() throws Exception {
        var server = MBeanServerFactory.newMBeanServer();
        try (var _ = new ManagedLeases(new TestLeases(), server)) {

            var info = server.getMBeanInfo(Registration.name("Leases"));

            assertThat(info.getDescription()).startsWith("The leases of queue pairs");
            assertThat(info.getAttributes())
                    .filteredOn(attribute -> attribute.getName().equals("LeaseCount"))
                    .singleElement()
                    .satisfies(attribute ->
                            assertThat(attribute.getDescription()).isEqualTo("Number of leases that have not ended."));
            assertThat(info.getOperations()).singleElement().satisfies(operation -> {
                assertThat(operation.getDescription()).startsWith("Takes a lease back");
                assertThat(operation.getImpact()).isEqualTo(MBeanOperationInfo.ACTION);
                assertThat(operation.getSignature()[0].getName()).isEqualTo("leaseId");
                assertThat(operation.getSignature()[0].getDescription()).startsWith("Id of the lease");
            });
        }
    }
}
