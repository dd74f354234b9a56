package io.doorbell.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * Files stay under 800 lines and methods on a screen. What is longer today is written down below and may only shrink:
 * the test fails when it grows, and when it has shrunk and the number here was not lowered.
 */
class SourceSizeTest {
    private static final int MAX_FILE_LINES = 800;
    /** Of its body. */
    private static final int MAX_METHOD_LINES = 60;

    /** A test tells a whole story. */
    private static final int MAX_TEST_METHOD_LINES = 80;

    /** Repository path → lines. */
    private static final Map<String, Integer> LONG_FILES = Map.of();

    /** Repository path and method → lines. */
    private static final Map<String, Integer> LONG_METHODS = Map.of();

    static final Path ROOT = repository();

    private static Path repository() {
        var here = Path.of("").toAbsolutePath();
        while (!Files.exists(here.resolve("doorbell"))) {
            here = here.getParent();
        }
        return here;
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> name(file).contains("src/"))
                    .sorted()
                    .toList();
        }
    }

    private static int lines(CompilationUnitTree unit, Tree body, SourcePositions positions) {
        var map = unit.getLineMap();
        var last = map.getLineNumber(positions.getEndPosition(unit, body));
        return (int) (last - map.getLineNumber(positions.getStartPosition(unit, body)) + 1);
    }

    private static int limit(Path file) {
        return name(file).contains("src/test/") ? MAX_TEST_METHOD_LINES : MAX_METHOD_LINES;
    }

    private static String name(Path file) {
        return ROOT.relativize(file).toString();
    }

    @Test
    void filesHaveAtMostEightHundredLines() throws IOException {
        var tooLong = new TreeMap<String, Integer>();
        for (var file : sources()) {
            try (var lines = Files.lines(file)) {
                var count = (int) lines.count();
                if (count > MAX_FILE_LINES) {
                    tooLong.put(name(file), count);
                }
            }
        }

        assertThat(tooLong).isEqualTo(new TreeMap<>(LONG_FILES));
    }

    @Test
    void methodsFitOnAScreen() throws IOException {
        var compiler = ToolProvider.getSystemJavaCompiler();
        var tooLong = new TreeMap<String, Integer>();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(
                    null, manager, null, List.of("-proc:none"), null, manager.getJavaFileObjectsFromPaths(sources()));
            var positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                var file = Path.of(unit.getSourceFile().toUri());
                new TreePathScanner<Void, Void>() {
                    @Override
                    public Void visitMethod(MethodTree method, Void unused) {
                        var lines = method.getBody() == null ? 0 : lines(unit, method.getBody(), positions);
                        if (lines > limit(file)) {
                            tooLong.put(name(Path.of(unit.getSourceFile().toUri())) + " " + method.getName(), lines);
                        }
                        return super.visitMethod(method, unused);
                    }
                }.scan(unit, null);
            }
        }

        assertThat(tooLong).isEqualTo(new TreeMap<>(LONG_METHODS));
    }
}
