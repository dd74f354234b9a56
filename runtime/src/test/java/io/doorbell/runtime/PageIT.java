package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page of the assembled distribution in Chromium, where {@code ./doorbell test --browser} asks for it, or Maven with
 * {@code -Ddoorbell.browser=true}. Pictures for a person to look at are in {@code target/page};
 * {@code skipped} there says why there are none, which {@code ./doorbell test} repeats at its end. Each test loads the page anew, and can be run
 * again after a browser that ended under it.
 */
class PageIT {
    private static final Duration BOUND = Duration.ofSeconds(120);
    private static final int BROWSERS = 3;
    private static final Path PICTURES = Path.of("target/page").toAbsolutePath();
    private static final String NQN = "nqn.2026-11.io.doorbell:nvme0";
    private static final String TAB = "\ue004";
    private static final String ENTER = "\ue007";
    private static final String ESCAPE = "\ue00c";

    @TempDir
    private static Path folder;

    private static Path home;
    private static NodeProcess node;
    private static NodeOverHttp operator;
    private static Browser browser;

    /** What is done with the page. */
    @FunctionalInterface
    private interface Look {
        void run() throws IOException, InterruptedException;
    }

    @BeforeAll
    static void open() throws IOException {
        deleteFormer();
        Files.createDirectories(PICTURES);
        if (!Boolean.getBoolean("doorbell.browser")) {
            skip("nobody asked for it: ./doorbell test --browser");
        }
        if (!Browser.isInstalled()) {
            skip("there is no Chromium: apt-get install chromium chromium-driver");
        }
        home = folder.resolve("home");
        NodeProcess.listenersOf(home);
        node = NodeProcess.run(folder, home);
        operator = NodeOverHttp.operator(node, home);
    }

    /** As far as that goes: profiles of browsers are many files. */
    private static void deleteFormer() throws IOException {
        if (Files.exists(PICTURES)) {
            try (var all = Files.walk(PICTURES)) {
                all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
            }
        }
    }

    @AfterAll
    static void close() {
        closeBrowser();
        if (node != null) {
            node.close();
        }
    }

    private static void closeBrowser() {
        if (browser != null) {
            browser.close();
            browser = null;
        }
    }

    private static void skip(String why) throws IOException {
        var words = "skipped: the page in a browser, because " + why;
        System.err.println(words);
        Files.writeString(PICTURES.resolve("skipped"), words + "\n");
        abort(words);
    }

    /** As user admin, on a wide screen. Once more in another browser where one ended, which says nothing of the page. */
    private static void onPage(Look look) throws IOException, InterruptedException {
        for (int i = 1; ; i++) {
            try {
                if (browser == null) {
                    // Not in the folder that JUnit deletes: a browser that was killed may still write there.
                    browser = Browser.open(Files.createTempDirectory(PICTURES, "browser"));
                }
                load("admin", "management.password");
                browser.screen(1400, false);
                awaitTrue("/well/.test(document.getElementById('state').textContent)");
                look.run();
                return;
            } catch (Browser.Lost lost) {
                System.err.println("the browser is lost: " + lost.getMessage());
                closeBrowser();
                if (i == BROWSERS) {
                    skip("Chromium does not stay: " + lost.getMessage());
                }
            }
        }
    }

    private static void load(String user, String passwordFile) throws IOException {
        var url = Files.readString(home.resolve("var/management.url")).strip();
        var password =
                Files.readString(home.resolve("var").resolve(passwordFile)).strip();
        browser.go(url.replace("://", "://" + user + ":" + password + "@") + "/");
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
    void itShowsTheNodeWithChartsAndFromNowhereElse() throws IOException, InterruptedException {
        onPage(() -> {
            awaitTrue("document.querySelectorAll('.chart canvas').length === 3");
            awaitTrue(rows("namespaces") + " === 3");
            awaitTrue(rows("controller-table") + " === 1");
            awaitTrue(rows("listeners") + " === 2");
            awaitTrue(rows("bundles") + " >= 5");
            awaitTrue("document.getElementById('controller-table').textContent.includes('READY')");
            awaitTrue("document.getElementById('controller-table').textContent.includes('°C')");
            await().atMost(BOUND)
                    .untilAsserted(() -> assertThat(browser.text("state")).startsWith(isWell() ? "well" : "not well"));
            assertThat(browser.text("about")).contains(home.toString());
            assertThat(browser.text("controller-table")).contains("EMULATED nvme0");
            assertThat(browser.run("return performance.getEntriesByType('resource').map(each => each.name)"
                            + ".filter(name => new URL(name).origin !== location.origin).join(' ')"))
                    .isEqualTo("");
            // The history has its first sample after some seconds.
            awaitTrue("/\\d/.test(document.querySelector('#chart-iops .u-legend').textContent)");
            browser.photograph(PICTURES.resolve("desktop.png"));
            assertThat(browser.complaints()).isEmpty();
        });
    }

    private static boolean isWell() throws IOException, InterruptedException {
        return (Boolean) operator.value("Health", "Live")
                && (Boolean) operator.value("Health", "Ready")
                && operator.value("Health", "Alarms") instanceof List<?> alarms
                && alarms.stream()
                        .allMatch(alarm -> ((Map<?, ?>) alarm).get("status").equals("WARN"));
    }

    // Figures.

    /** How many it says it did. */
    private static long perf(String flags) throws IOException, InterruptedException {
        var id = start(flags);
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(run(id).get("state")).isIn("SUCCEEDED", "FAILED"));
        assertThat(run(id)).containsEntry("state", "SUCCEEDED");
        return ((Number) run(id).get("completed")).longValue();
    }

    private static long start(String flags) throws IOException, InterruptedException {
        var run = (Map<?, ?>) operator.done("PerfRuns", "start", flags);
        return ((Number) run.get("id")).longValue();
    }

    @SuppressWarnings("unchecked") // what JSON has for an object
    private static Map<String, Object> run(long id) throws IOException, InterruptedException {
        return (Map<String, Object>) operator.read("PerfRuns", "Runs").get(Long.toString(id));
    }

    /** The cell below a heading, in the row whose first cells have these words. */
    private static String cell(String table, String column, String... words) {
        var first = new StringBuilder();
        for (int i = 0; i < words.length; i++) {
            first.append(" && row.cells[")
                    .append(i)
                    .append("].textContent === '")
                    .append(words[i])
                    .append("'");
        }
        var of = "document.getElementById('" + table + "')";
        return "[..." + of + ".tBodies[0].rows].find(row => true" + first + ")?.cells[[..." + of
                + ".tHead.rows[0].cells].findIndex(head => head.textContent === '" + column + "')]";
    }

    /** What a cell says in full, which is what the node counted. */
    private static long figure(String cell) throws IOException {
        var full = String.valueOf(browser.run("return " + cell + ".title"));
        return Long.parseLong(full.replaceAll("\\D", ""));
    }

    private static void awaitFigure(String cell, long value, String text) {
        awaitTrue("Number(" + cell + ".title.replace(/\\D/g, '')) === " + value);
        awaitTrue(cell + ".textContent === '" + text + "'");
    }

    private static String mebibytes(long bytes) {
        double value = bytes / (double) (1 << 20);
        return String.format(Locale.ROOT, value < 100 ? "%.1f MiB" : "%.0f MiB", value);
    }

    @Test
    void whatPerfSaysIsWhatThePageSays() throws IOException, InterruptedException {
        onPage(() -> {
            awaitTrue(rows("namespaces") + " === 3");
            var reads = cell("namespaces", "Reads", NQN, "2");
            var writes = cell("namespaces", "Writes", NQN, "2");
            var read = cell("namespaces", "Read", NQN, "2");
            var written = cell("namespaces", "Written", NQN, "2");
            var failed = cell("namespaces", "Failed", NQN, "2");
            long readsBefore = figure(reads);
            long writesBefore = figure(writes);
            long readBefore = figure(read);
            long writtenBefore = figure(written);

            long writesDone = perf("-q 8 -o 4096 -w randwrite -d 700 -r 'trtype:EMULATED traddr:nvme0 ns:2'");
            long readsDone = perf("-q 4 -o 8192 -w randread -d 500 -r 'trtype:EMULATED traddr:nvme0 ns:2'");

            assertThat(writesDone).isEqualTo(700);
            assertThat(readsDone).isEqualTo(500);
            long allReads = readsBefore + readsDone;
            long allWrites = writesBefore + writesDone;
            awaitFigure(reads, allReads, Long.toString(allReads));
            awaitFigure(writes, allWrites, Long.toString(allWrites));
            long readBytes = readBefore + readsDone * 8192;
            long writtenBytes = writtenBefore + writesDone * 4096;
            awaitFigure(read, readBytes, mebibytes(readBytes));
            awaitFigure(written, writtenBytes, mebibytes(writtenBytes));
            awaitFigure(failed, 0, "0");
            awaitTrue(cell("namespaces", "Read p50 / p99", NQN, "2") + ".textContent.includes('s / ')");
            // And for the host that it was, with what other tests did.
            var row = "pci: hosts of emulated devices";
            await().atMost(BOUND).untilAsserted(() -> {
                var host = (Map<?, ?>) operator.read("Hosts", "Hosts").get("pci");
                long hostWrites = ((Number) host.get("writeCommands")).longValue();
                assertThat(hostWrites).isGreaterThanOrEqualTo(writesDone);
                assertThat(figure(cell("hosts", "Writes", row))).isEqualTo(hostWrites);
            });
        });
    }

    @Test
    void whatIsDoneNowIsSeenWhileItIsDone() throws IOException, InterruptedException {
        onPage(() -> {
            long id = start("-q 4 -o 4096 -w randread -t 600 -r 'trtype:EMULATED traddr:nvme0 ns:3'");
            try {
                awaitTrue(cell("namespaces", "IOPS now", NQN, "3") + ".textContent.match(/[1-9]/) !== null");
                awaitTrue(cell("namespaces", "Bytes now", NQN, "3") + ".textContent.match(/[1-9].*B\\/s/) !== null");
                // Of the node's history.
                awaitTrue("document.getElementById('now-read').textContent.match(/^[1-9].*B\\/s$/) !== null");
            } finally {
                stop(id);
            }
        });
    }

    private static void stop(long id) throws IOException, InterruptedException {
        // Refused where it has ended already.
        operator.exec("PerfRuns", "stop", id);
        await().atMost(BOUND)
                .untilAsserted(() -> assertThat(run(id).get("state")).isIn("SUCCEEDED", "FAILED"));
    }

    // What may be done, and how.

    @Test
    void leasesAreAPictureAndATableAndTakenBackFromTheKeyboard() throws IOException, InterruptedException {
        onPage(() -> {
            long id = start("-q 4 -o 4096 -w randread -t 600 -r 'trtype:EMULATED traddr:nvme0 ns:3'");
            try {
                awaitTrue(rows("lease-table") + " > 0");
                awaitTrue("document.querySelectorAll('#picture svg .link').length > 0");
                awaitTrue("document.getElementById('picture').textContent.includes('bundle-perf')");
                awaitTrue("document.getElementById('picture').textContent.includes('EMULATED nvme0')");
                browser.photograph(PICTURES.resolve("leases.png"));
                takeBack();
            } finally {
                stop(id);
            }
        });
    }

    private static void takeBack() throws IOException {
        var label =
                (String) browser.run("return document.querySelector('#lease-table button').getAttribute('aria-label')");
        assertThat(label).startsWith("Take lease ");
        var lease = label.split(" ")[2];
        var button =
                "[...document.querySelectorAll('#lease-table button')].find(b => b.getAttribute('aria-label') === '"
                        + label + "')";

        askBy(button);
        browser.press(ESCAPE);
        awaitTrue("!document.getElementById('ask').open");
        assertThat(browser.text("taken")).isEmpty();
        askBy(button);
        browser.press(TAB, ENTER);

        awaitTrue("document.getElementById('taken').textContent === 'Lease " + lease + " was taken back.'");
        awaitTrue(button + " === undefined");
    }

    /** From the keyboard. The button is not to be pressed while the node does not answer, on a machine that is busy. */
    private static void askBy(String button) {
        await().atMost(BOUND).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> {
            if (browser.run("return document.getElementById('ask').open") != Boolean.TRUE) {
                browser.run(button + ".focus()");
                browser.press(ENTER);
            }
            assertThat(browser.run("return document.getElementById('ask').open"))
                    .isEqualTo(true);
        });
    }

    private static void choose(Path jar, String words) {
        await().atMost(BOUND).untilAsserted(() -> browser.choose("#jar", jar));
        awaitTrue("document.getElementById('deployed').textContent.includes('" + words + "')");
    }

    @Test
    void theKeyboardGoesInOrderAndIsSeen() throws IOException, InterruptedException {
        onPage(() -> {
            for (var words : new String[] {"Skip to the figures", "Served", "Controllers", "Leases"}) {
                browser.press(TAB);
                awaitTrue("document.activeElement.textContent === '" + words + "'");
                assertThat(browser.run("return getComputedStyle(document.activeElement).outlineStyle"))
                        .isEqualTo("solid");
            }
        });
    }

    @Test
    void itFitsAPhoneAndIsDarkWhereThatIsLiked() throws IOException, InterruptedException {
        onPage(() -> {
            awaitTrue(rows("namespaces") + " === 3");
            var light = browser.run("return getComputedStyle(document.body).backgroundColor");

            browser.screen(390, true);

            awaitTrue("document.documentElement.scrollWidth <= 390");
            awaitTrue("getComputedStyle(document.body).backgroundColor !== '" + light + "'");
            awaitTrue("document.querySelectorAll('.chart canvas').length === 3");
            browser.photograph(PICTURES.resolve("phone-dark.png"));
            browser.screen(1400, true);
            browser.photograph(PICTURES.resolve("dark.png"));
        });
    }

    @Test
    void aJarIsTakenAndWhatIsNoneIsNot() throws IOException, InterruptedException {
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
        onPage(() -> {
            choose(none, "none.jar was not taken");
            choose(jar, "dropped 1.0.0 is in deploy/");

            assertThat(home.resolve("deploy/dropped-1.0.jar")).exists();
            assertThat(home.resolve("deploy/none.jar")).doesNotExist();
            awaitTrue("document.getElementById('bundles').textContent.includes('dropped')");
        });
    }

    @Test
    void whoMayOnlyLookSeesEverythingAndCanPressNothing() throws IOException, InterruptedException {
        onPage(() -> {
            long id = start("-q 4 -o 4096 -w randread -t 600 -r 'trtype:EMULATED traddr:nvme0 ns:3'");
            try {
                load("monitor", "management.monitor.password");

                awaitTrue("document.getElementById('may').textContent.includes('may only look')");
                awaitTrue(rows("lease-table") + " > 0");
                awaitTrue("[...document.querySelectorAll('#lease-table button')].every(each => each.disabled)");
                awaitTrue("document.getElementById('jar').disabled");
            } finally {
                stop(id);
            }
        });
    }

    // When there is no answer.

    @Test
    void figuresOfANodeThatStandsStillAreNotTakenForItsFigures() throws IOException, InterruptedException {
        onPage(() -> {
            node.signal("STOP");
            try {
                awaitTrue("document.body.classList.contains('stale')");
                awaitTrue("document.getElementById('lost-words').textContent.startsWith('No answer since')");
                awaitTrue("document.getElementById('jar').disabled");
                browser.photograph(PICTURES.resolve("no-answer.png"));
            } finally {
                node.signal("CONT");
            }

            awaitTrue("!document.body.classList.contains('stale')");
            awaitTrue("document.getElementById('lost').hidden");
            awaitTrue("!document.getElementById('jar').disabled");
        });
    }

    @Test
    void whoIsNotLoggedInAnyMoreIsToldSo() throws IOException, InterruptedException {
        onPage(() -> {
            browser.headers(Map.of("Authorization", "Basic d3Jvbmc6d3Jvbmc="));

            awaitTrue("!document.getElementById('again').hidden");
            awaitTrue("document.getElementById('lost-words').textContent.includes('wants user and password again')");
            awaitTrue("document.body.classList.contains('stale')");
            browser.headers(Map.of());
            browser.run("document.getElementById('again').click()");
            awaitTrue("/well/.test(document.getElementById('state').textContent)");
        });
    }
}
