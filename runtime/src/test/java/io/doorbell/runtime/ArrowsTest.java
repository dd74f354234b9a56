package io.doorbell.runtime;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Holds the arrows of docs/ARCHITECTURE.md. Bundles find each other as services; these are the only classes shared. */
class ArrowsTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.doorbell");

    /** Every bundle, with its packages. */
    private static final Map<String, List<String>> PACKAGES = new TreeMap<>(Map.ofEntries(
            Map.entry("nvme-spec", List.of("io.doorbell.nvme..")),
            Map.entry("platform", List.of("io.doorbell.platform..")),
            Map.entry(
                    "api",
                    List.of(
                            "io.doorbell.configuration..",
                            "io.doorbell.lease..",
                            "io.doorbell.reactor..",
                            "io.doorbell.host..",
                            "io.doorbell.statistics..",
                            "io.doorbell.storage..",
                            "io.doorbell.target..",
                            "io.doorbell.pci..",
                            "io.doorbell.verbs..",
                            "io.doorbell.workload..")),
            Map.entry("pci-bus", List.of("io.doorbell.pcibus..")),
            Map.entry("vfio-user", List.of("io.doorbell.vfiouser..")),
            Map.entry("deployment", List.of("io.doorbell.deployment..")),
            Map.entry("resource-manager", List.of("io.doorbell.resources..")),
            Map.entry("subsystem", List.of("io.doorbell.subsystem..")),
            Map.entry("backends", List.of("io.doorbell.backends..")),
            Map.entry("emulator", List.of("io.doorbell.emulator..")),
            Map.entry("driver", List.of("io.doorbell.driver..")),
            Map.entry("fabrics", List.of("io.doorbell.fabrics..")),
            Map.entry("rdma-soft", List.of("io.doorbell.rdmasoft..")),
            Map.entry("bundle-tcp", List.of("io.doorbell.tcp..")),
            Map.entry("bundle-rdma-target", List.of("io.doorbell.rdmatarget..")),
            Map.entry("bundle-rdma-host", List.of("io.doorbell.rdmahost..")),
            Map.entry("bundle-rdma-nic", List.of("io.doorbell.rdmanic..")),
            Map.entry("management", List.of("io.doorbell.management..")),
            Map.entry("bundle-pcie", List.of("io.doorbell.pcie..")),
            Map.entry("bundle-perf", List.of("io.doorbell.perf..")),
            Map.entry("bundle-admin", List.of("io.doorbell.admin..")),
            Map.entry("runtime", List.of("io.doorbell.runtime.."))));

    /** The ground may be stood on by all; whoever is not named here stands on all of it. */
    private static final Map<String, List<String>> ARROWS = Map.ofEntries(
            Map.entry("nvme-spec", List.of()),
            Map.entry("platform", List.of()),
            Map.entry("api", List.of("nvme-spec", "platform")),
            Map.entry("pci-bus", List.of("platform")),
            Map.entry("vfio-user", List.of("platform")),
            Map.entry("emulator", List.of("nvme-spec", "platform", "api", "vfio-user")),
            Map.entry("bundle-pcie", List.of("nvme-spec", "platform", "api", "driver", "vfio-user", "pci-bus")),
            Map.entry("fabrics", List.of("nvme-spec", "platform", "api", "driver")),
            Map.entry("bundle-tcp", List.of("nvme-spec", "platform", "api", "driver", "fabrics")),
            Map.entry("bundle-rdma-target", List.of("nvme-spec", "platform", "api", "fabrics")),
            Map.entry("bundle-rdma-host", List.of("nvme-spec", "platform", "api", "driver", "fabrics")),
            Map.entry("bundle-rdma-nic", List.of("platform", "api")),
            Map.entry("deployment", List.of("api", "platform")),
            Map.entry("runtime", List.of("nvme-spec", "platform", "pci-bus")));

    private static final List<String> GROUND = List.of("nvme-spec", "platform", "api");

    /** Those with sources. A bundle whose package is misspelt above would pass every rule: this finds it. */
    static Stream<String> bundles() {
        return PACKAGES.keySet().stream()
                .filter(bundle -> Stream.of("", "bundles/")
                        .anyMatch(room -> Files.exists(SourceSizeTest.ROOT.resolve(room + bundle + "/src/main/java"))));
    }

    private static String[] packagesOf(List<String> bundles) {
        return bundles.stream().flatMap(bundle -> PACKAGES.get(bundle).stream()).toArray(String[]::new);
    }

    @ParameterizedTest
    @MethodSource("bundles")
    void dependsOnlyOnWhatItsArrowsPointAt(String bundle) {
        var allowed = new ArrayList<>(ARROWS.getOrDefault(bundle, GROUND));
        allowed.add(bundle);
        var others = PACKAGES.keySet().stream()
                .filter(other -> !allowed.contains(other))
                .toList();

        noClasses()
                .that()
                .resideInAnyPackage(packagesOf(List.of(bundle)))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(packagesOf(others))
                .as(bundle + " depends on nothing of ours but " + allowed)
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void everyPackageBelongsToABundle() {
        classes()
                .that(alwaysTrue())
                .should()
                .resideInAnyPackage(packagesOf(List.copyOf(PACKAGES.keySet())))
                .check(CLASSES);
    }

    @ParameterizedTest
    @MethodSource("bundles")
    void everyBundleWasReadByThisTest(String bundle) {
        assertThat(CLASSES.stream().filter(resideInAnyPackage(packagesOf(List.of(bundle)))))
                .as("classes of " + bundle)
                .isNotEmpty();
    }

    @Test
    void onlyManagementAndRuntimeKnowJmxOrHttp() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.doorbell.management..", "io.doorbell.runtime..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "javax.management..",
                        "java.lang.management..",
                        "com.sun.management..",
                        "jakarta.servlet..",
                        "org.jolokia..",
                        "com.sun.net.httpserver..",
                        "java.net.http..")
                .check(CLASSES);
    }

    @Test
    void onlyPlatformReachesNativeSymbolsOrMakesSegmentsFromAddresses() {
        var outside = resideOutsideOfPackage("io.doorbell.platform..");

        noClasses()
                .that(outside)
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Linker.class, SymbolLookup.class)
                .check(CLASSES);
        noClasses()
                .that(outside)
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("sun.misc.Unsafe")
                .check(CLASSES);
        noClasses()
                .that(outside)
                .should()
                .callMethodWhere(target(name("reinterpret")).and(target(owner(is(MemorySegment.class)))))
                .orShould()
                .callMethodWhere(target(name("withTargetLayout")).and(target(owner(is(AddressLayout.class)))))
                .orShould()
                .callMethod(System.class, "load", String.class)
                .orShould()
                .callMethod(System.class, "loadLibrary", String.class)
                .check(CLASSES);
    }

    @Test
    void noPackageIsADrawerForOddsAndEnds() {
        noClasses()
                .should()
                .resideInAnyPackage("..util..", "..utils..", "..common..", "..helper..", "..helpers..", "..misc..")
                .check(CLASSES);
    }

    @Test
    void noNameSaysOnlyThatItIsAnImplementation() {
        assertThat(CLASSES.stream().map(JavaClass::getSimpleName).filter(name -> name.endsWith("Impl")))
                .isEmpty();
    }

    private static com.tngtech.archunit.base.DescribedPredicate<JavaClass> is(Class<?>... types) {
        return com.tngtech.archunit.base.DescribedPredicate.describe(
                "one of " + Arrays.toString(types),
                candidate -> Arrays.stream(types).anyMatch(candidate::isAssignableTo));
    }
}
