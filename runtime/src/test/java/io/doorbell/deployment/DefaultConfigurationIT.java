package io.doorbell.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The default configuration is the manual of the options: for each PID that a bundle of the distribution declares, a file
 * in {@code config/} has every key, in force or as a comment that shows its default, with words above it. In the package
 * of the installer, so that the files are read as a node reads them.
 */
class DefaultConfigurationIT {
    /** {@code key = value}, or the same behind a {@code #}. */
    private static final Pattern ENTRY = Pattern.compile("(#?)\\s*([a-zA-Z][\\w.-]*)\\s*=\\s*(.*)");

    private static final Path DISTRIBUTION =
            Path.of("target/doorbell-" + System.getProperty("doorbell.version")).toAbsolutePath();

    private static List<Schema> schemas() throws IOException {
        var schemas = new ArrayList<Schema>();
        for (var jar : ownJars()) {
            schemas.addAll(schemasOf(jar));
        }
        return schemas;
    }

    private static List<Schema> schemasOf(Path jar) throws IOException {
        var metatype = new Metatype();
        try (var file = new JarFile(jar.toFile())) {
            for (var entry : file.stream()
                    .filter(entry -> entry.getName().startsWith(Metatype.FOLDER + "/") && !entry.isDirectory())
                    .toList()) {
                try (var in = file.getInputStream(entry)) {
                    metatype.read(in);
                }
            }
        }
        // File Install and others declare options too; theirs are settled by the launcher.
        return metatype.schemas().stream()
                .filter(schema -> schema.pid().startsWith("io.doorbell."))
                .toList();
    }

    private static List<Path> ownJars() throws IOException {
        try (Stream<Path> files = Files.walk(DISTRIBUTION)) {
            return files.filter(file -> file.toString().matches(".*/(bundles/\\d+|deploy)/[^/]*\\.jar"))
                    .toList();
        }
    }

    private static List<Path> defaults() throws IOException {
        try (Stream<Path> files = Files.list(DISTRIBUTION.resolve("config"))) {
            return files.filter(file -> file.toString().endsWith(ConfigurationFile.SUFFIX))
                    .sorted()
                    .toList();
        }
    }

    private static List<Path> defaultsOf(Schema schema) throws IOException {
        return defaults().stream()
                .filter(file -> ConfigurationFile.of(file.getFileName().toString(), "")
                        .pid()
                        .equals(schema.pid()))
                .toList();
    }

    @Test
    void everyDefaultFileIsAcceptedByTheBundleThatDeclaresIt() throws IOException {
        var schemas = schemas();
        for (var path : defaults()) {
            var file = ConfigurationFile.read(path);
            var schema = schemas.stream()
                    .filter(candidate -> candidate.pid().equals(file.pid()))
                    .findFirst();

            assertThat(schema).as("a bundle declares " + file.pid()).isPresent();
            assertThat(schema.get().check(file).problems())
                    .as(path.getFileName().toString())
                    .isEmpty();
        }
    }

    @Test
    void everyOptionIsExplainedInADefaultFile() throws IOException {
        var missing = new ArrayList<String>();
        for (var schema : schemas()) {
            var files = defaultsOf(schema);
            if (files.isEmpty()) {
                missing.add("no file in config/ for " + schema.pid());
            }
            for (var option : schema.options().values()) {
                var explained = false;
                for (var file : files) {
                    explained |= explains(Files.readAllLines(file), option);
                }
                if (!explained) {
                    missing.add(schema.pid() + ": " + option.key());
                }
            }
        }

        assertThat(missing).as("options that no default file explains").isEmpty();
    }

    @Test
    void keysAreLowerCaseWordsWithDots() throws IOException {
        assertThat(schemas())
                .flatExtracting(schema -> schema.options().keySet())
                .allSatisfy(key -> assertThat(key).matches("[a-z0-9]+(\\.[a-z0-9]+)*"));
    }

    @Test
    void whatACommentShowsAsDefaultIsTheDefault() throws IOException {
        for (var schema : schemas()) {
            for (var file : defaultsOf(schema)) {
                for (var line : Files.readAllLines(file)) {
                    var entry = ENTRY.matcher(line.strip());
                    if (!entry.matches() || entry.group(1).isEmpty()) {
                        continue;
                    }
                    var option = schema.options().get(entry.group(2));
                    if (option != null) {
                        assertThat(entry.group(3).strip())
                                .as(file.getFileName() + ": " + line)
                                .isEqualTo(option.defaultValue() == null ? "" : option.defaultValue());
                    }
                }
            }
        }
    }

    /** A README of a bundle has a table of its options: the key in the first cell of a row, the default in the second. */
    @Test
    void everyOptionStandsInTheReadmeOfItsBundleWithItsDefault() throws IOException {
        var missing = new ArrayList<String>();
        for (var jar : ownJars()) {
            var room = jar.getFileName().toString().replaceFirst("-\\d+\\..*", "");
            var readme = Path.of("..")
                    .resolve(room.startsWith("bundle-") ? room : "bundles/" + room)
                    .resolve("README.md");
            for (var schema : schemasOf(jar)) {
                var rows = Files.readAllLines(readme).stream()
                        .filter(line -> line.startsWith("| `"))
                        .map(line -> line.split("\\|"))
                        .toList();
                for (var option : schema.options().values()) {
                    if (rows.stream().noneMatch(cells -> isRowOf(option, cells))) {
                        missing.add(room + ": " + option.key() + ", default " + option.defaultValue());
                    }
                }
            }
        }

        assertThat(missing).as("options without a row in README.md").isEmpty();
    }

    private static boolean isRowOf(Option option, String[] cells) {
        var value = option.defaultValue() == null ? "" : option.defaultValue().replace("\\", "");
        return cells.length > 2
                && cells[1].contains("`" + option.key() + "`")
                && (value.isEmpty() || cells[2].replace("`", "").strip().equals(value));
    }

    /** The key has words above it, or stands right behind another entry that has. */
    private static boolean explains(List<String> lines, Option option) {
        var explained = false;
        for (var line : lines) {
            var text = line.strip();
            var entry = ENTRY.matcher(text);
            if (text.isEmpty()) {
                explained = false;
            } else if (entry.matches()) {
                if (entry.group(2).equals(option.key())) {
                    return explained;
                }
            } else {
                explained |= text.startsWith("#");
            }
        }
        return false;
    }
}
