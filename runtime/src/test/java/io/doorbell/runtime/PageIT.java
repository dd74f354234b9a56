package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page of the assembled distribution, in Chromium, where it is asked for:
 * {@code mvn -pl runtime -am verify -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false -Dit.test=PageIT
 * -Dfailsafe.failIfNoSpecifiedTests=false -Ddoorbell.browser=true}. Pictures for a person to look at are in target/page.
 */
class PageIT {
    private static final Duration BOUND = Duration.ofSeconds(120);
    private static final Path PICTURES = Path.of("target/page").toAbsolutePath();
    private static final String TAB = "\ue004";
    private static final String ENTER = "\ue007";

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;
    private static Browser browser;

    @BeforeAll
    static void open() throws IOException {
        assumeTrue(
                Boolean.getBoolean("doorbell.browser"),
                "skipped: the page in a browser, which -Ddoorbell.browser=true asks for");
        assumeTrue(
                Browser.isInstalled(),
                "skipped: the page is not tested, there is no Chromium: apt-get install chromium chromium-driver");
        home = folder.resolve("home");
        NodeProcess.listenersOf(home);
        node = NodeProcess.run(folder, home);
        node.awaitOutput("management at");
        browser = Browser.open(folder);
        var url = Files.readString(home.resolve("var/management.url")).strip();
        var password = Files.readString(home.resolve("var/management.password")).strip();
        browser.go(url.replace("://", "://admin:" + password + "@") + "/");
    }

    @AfterAll
    static void close() {
        if (browser != null) {
            browser.close();
        }
        if (node != null) {
            node.close();
        }
    }

    private static void awaitTrue(String script) {
        await().atMost(BOUND)
                .pollInterval(Duration.ofMillis(200))
                .untilAsserted(() -> assertThat(browser.run("return " + script))
                        .as(script + ", on the page: " + browser.run("return document.body.innerText"))
                        .isEqualTo(true));
    }

    private static String rows(String table) {
        return "document.querySelectorAll('#" + table + " tbody tr').length";
    }

    @Test
    void itShowsTheNodeWithChartsAndWithoutAComplaintOfTheBrowser() throws IOException {
        browser.screen(1400, false);

        awaitTrue("document.getElementById('state').textContent.startsWith('well')");
        awaitTrue("document.querySelectorAll('.chart canvas').length === 3");
        awaitTrue(rows("namespaces") + " === 3");
        awaitTrue(rows("controller-table") + " === 1");
        awaitTrue(rows("listeners") + " > 0");
        awaitTrue(rows("bundles") + " >= 5");
        assertThat(browser.text("about")).contains(home.toString());
        assertThat(browser.text("controller-table")).contains("READY", "trtype:EMULATED traddr:nvme0", "°C");
        // A password in the address is only a test's.
        assertThat(browser.complaints()).allSatisfy(each -> assertThat(each).contains("favicon"));
        browser.photograph(PICTURES.resolve("desktop.png"));
    }

    @Test
    void leasesAreAPictureAndATableAndTakenBackFromTheKeyboard() throws IOException {
        browser.screen(1400, false);
        var runs = ask("PerfRuns", "start", "-q 4 -o 4096 -w randread -t 300");
        assertThat(runs).isZero();
        awaitTrue(rows("lease-table") + " > 0");
        awaitTrue("document.querySelectorAll('#picture svg .link').length > 0");
        awaitTrue("document.getElementById('picture').textContent.includes('bundle-perf')");
        browser.photograph(PICTURES.resolve("leases.png"));
        var label = (String)
                browser.run(
                        "const b = document.querySelector('#lease-table button'); b.focus(); return b.getAttribute('aria-label')");
        assertThat(label).startsWith("Take lease ");

        browser.press(ENTER);
        awaitTrue("document.getElementById('ask').open");
        browser.press(TAB, ENTER);

        awaitTrue("![...document.querySelectorAll('#lease-table button')].some(b => b.getAttribute('aria-label') === '"
                + label + "')");
    }

    /** Starts something in the node from the page's own script. */
    private static int ask(String type, String operation, String argument) throws IOException {
        browser.run(
                "window.asked = undefined; import('/page/node.js').then(n => n.execute(...arguments))"
                        + ".then(() => window.asked = 0, e => window.asked = String(e))",
                type,
                operation,
                argument);
        await().atMost(BOUND).until(() -> browser.run("return window.asked !== undefined") == Boolean.TRUE);
        assertThat(browser.run("return window.asked")).isEqualTo(0);
        return 0;
    }

    @Test
    void itFitsAPhoneAndIsDarkWhereThatIsLiked() throws IOException {
        awaitTrue(rows("namespaces") + " === 3");
        var light = browser.run("return getComputedStyle(document.body).backgroundColor");

        browser.screen(390, true);

        awaitTrue("document.documentElement.scrollWidth <= 390");
        assertThat(browser.run("return getComputedStyle(document.body).backgroundColor"))
                .isNotEqualTo(light);
        awaitTrue("document.querySelectorAll('.chart canvas').length === 3");
        browser.photograph(PICTURES.resolve("phone-dark.png"));
        browser.screen(1400, true);
        browser.photograph(PICTURES.resolve("dark.png"));
        browser.screen(1400, false);
    }

    @Test
    void aJarIsTakenAndWhatIsNoneIsNot() throws IOException {
        var jar = folder.resolve("dropped-1.0.jar");
        var manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().putValue("Bundle-ManifestVersion", "2");
        manifest.getMainAttributes().putValue("Bundle-SymbolicName", "dropped");
        manifest.getMainAttributes().putValue("Bundle-Version", "1.0.0");
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, manifest).close();
        }
        var none = Files.writeString(folder.resolve("none.jar"), "no jar");

        browser.choose("#jar", none);
        awaitTrue("document.getElementById('deployed').textContent.includes('none.jar was not taken')");
        browser.choose("#jar", jar);
        awaitTrue("document.getElementById('deployed').textContent.includes('dropped 1.0.0 is in deploy/')");

        assertThat(home.resolve("deploy/dropped-1.0.jar")).exists();
        assertThat(home.resolve("deploy/none.jar")).doesNotExist();
        awaitTrue("document.getElementById('bundles').textContent.includes('dropped')");
    }

    @Test
    void theKeyboardReachesTheSkipLinkFirst() throws IOException {
        browser.run(
                "document.activeElement.blur(); window.getSelection().removeAllRanges(); window.scrollTo(0, 0);"
                        + " document.body.setAttribute('tabindex', '-1'); document.body.focus(); document.body.removeAttribute('tabindex')");

        browser.press(TAB);

        assertThat(browser.run("return document.activeElement.className")).isEqualTo("skip");
    }
}
