package io.doorbell.management;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ManagedDeploymentTest {
    private final MBeanServer server = MBeanServerFactory.newMBeanServer();

    @TempDir
    private Path home;

    private ManagedDeployment bean;

    @BeforeEach
    void make() throws IOException {
        Files.createDirectories(home.resolve("deploy"));
        Files.createDirectories(home.resolve("var"));
        bean = new ManagedDeployment(home, Set.of("of.distribution")::contains, server);
    }

    @AfterEach
    void close() {
        bean.close();
    }

    private static String jar(String name, String version) throws IOException {
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        if (name != null) {
            manifest.getMainAttributes().putValue("Bundle-SymbolicName", name + ";singleton:=true");
            manifest.getMainAttributes().putValue("Bundle-Version", version);
        }
        var content = new ByteArrayOutputStream();
        new JarOutputStream(content, manifest).close();
        return Base64.getEncoder().encodeToString(content.toByteArray());
    }

    @Test
    void aPlugInStandsInDeployAsItWasGivenAndIsListed() throws IOException {
        var content = jar("a.plug-in", "1.2.3");

        var taken = bean.deploy("a-1.2.3.jar", content);

        assertThat(taken.name()).isEqualTo("a.plug-in");
        assertThat(taken.version()).isEqualTo("1.2.3");
        assertThat(home.resolve("deploy/a-1.2.3.jar"))
                .hasBinaryContent(Base64.getDecoder().decode(content));
        assertThat(bean.getFiles()).containsOnlyKeys("a-1.2.3.jar");
        assertThat(home.resolve("var")).isEmptyDirectory();
    }

    @Test
    void undeployTakesEveryVersionOfThePlugInAndNothingElse() throws IOException {
        bean.deploy("a-1.jar", jar("a", "1"));
        bean.deploy("a-2.jar", jar("a", "2"));
        bean.deploy("b.jar", jar("b", "1"));

        assertThat(bean.undeploy("a")).containsExactly("a-1.jar", "a-2.jar");

        assertThat(bean.getFiles()).containsOnlyKeys("b.jar");
        assertThatThrownBy(() -> bean.undeploy("a"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no plug-in 'a' in deploy/; there are b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../a.jar", "a/b.jar", ".jar", ".a.jar", "a.zip", "a b.jar", "a.jar\n", "", "..", "a.jar/"})
    void aNameThatLeadsElsewhereIsRefused(String name) throws IOException {
        var content = jar("a", "1");

        assertThatThrownBy(() -> bean.deploy(name, content))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(".jar at the end");
        assertThat(home.resolve("deploy")).isEmptyDirectory();
    }

    @Test
    void whatIsNoPlugInIsRefusedAndChangesNothing() throws IOException {
        var none = jar(null, null);
        var ofDistribution = jar("of.distribution", "9");
        var noJar = Base64.getEncoder().encodeToString("no jar".getBytes());
        bean.deploy("a.jar", jar("a", "1"));
        var other = jar("b", "1");

        assertThatThrownBy(() -> bean.deploy("x.jar", none)).hasMessageContaining("Bundle-SymbolicName");
        assertThatThrownBy(() -> bean.deploy("x.jar", ofDistribution)).hasMessageContaining("part of the distribution");
        assertThatThrownBy(() -> bean.deploy("x.jar", noJar)).hasMessageContaining("x.jar is no plug-in");
        assertThatThrownBy(() -> bean.deploy("x.jar", "*")).hasMessageContaining("not base64");
        assertThatThrownBy(() -> bean.deploy("a.jar", other)).hasMessageContaining("is a, not b");
        assertThatThrownBy(() -> bean.deploy("x.jar", "A".repeat(ManagedDeployment.MAX_BYTES / 3 * 4 + 8)))
                .hasMessageContaining("at most " + ManagedDeployment.MAX_BYTES);
        assertThat(bean.getFiles()).containsOnlyKeys("a.jar");
        assertThat(home.resolve("var")).isEmptyDirectory();
    }

    @Test
    void itIsReadAndDrivenOverJmx() throws Exception {
        var name = new ObjectName("io.doorbell:type=Deployment");

        server.invoke(name, "deploy", new Object[] {"a.jar", jar("a", "1")}, new String[] {
            "java.lang.String", "java.lang.String"
        });

        assertThat(server.getAttribute(name, "MaxBytes")).isEqualTo(ManagedDeployment.MAX_BYTES);
        assertThat(server.getAttribute(name, "Files").toString()).contains("a.jar");
    }
}
