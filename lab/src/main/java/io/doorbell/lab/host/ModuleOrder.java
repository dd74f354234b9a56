package io.doorbell.lab.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which files of a kernel are to be loaded, and in which order, for modules and what they need. */
final class ModuleOrder {
    private final Path folder;
    private final Map<String, List<String>> files = new HashMap<>();
    private final Set<String> builtIn = new HashSet<>();

    /** @param folder {@code lib/modules/RELEASE}, after depmod */
    ModuleOrder(Path folder) throws IOException {
        this.folder = folder;
        for (var line : Files.readAllLines(folder.resolve("modules.dep"))) {
            // FILE: NEEDED NEEDED …, the first of which is to be loaded last.
            var parts = new ArrayList<>(List.of(line.replace(":", "").split(" ")));
            files.put(moduleName(parts.getFirst()), parts);
        }
        for (var line : Files.readAllLines(folder.resolve("modules.builtin"))) {
            builtIn.add(moduleName(line));
        }
    }

    /** @throws LabException when this kernel has no such module */
    List<Path> of(List<String> modules) {
        var order = new LinkedHashSet<Path>();
        for (var module : modules) {
            var name = moduleName(module);
            var found = files.get(name);
            if (found != null) {
                found.reversed().forEach(file -> order.add(folder.resolve(file)));
            } else if (!builtIn.contains(name)) {
                throw new LabException("the kernel in " + folder + " has no module " + module);
            }
        }
        return List.copyOf(order);
    }

    /** Files have dashes where names have underscores, or have not. */
    private static String moduleName(String path) {
        var file = path.substring(path.lastIndexOf('/') + 1);
        int dot = file.indexOf('.');
        return (dot < 0 ? file : file.substring(0, dot)).replace('-', '_');
    }
}
