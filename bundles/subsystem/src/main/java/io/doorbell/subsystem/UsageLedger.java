package io.doorbell.subsystem;

import io.doorbell.target.IoUsage;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Adds up what hosts have done, by host and namespace. Guarded by whoever has it. */
final class UsageLedger {
    /** Hosts that have a row of their own; those that come later share one, so that nobody fills the memory by changing names. */
    static final int MAX_HOSTS = 256;

    private final Map<String, Map<Integer, IoUsage>> hosts = new TreeMap<>();

    void add(Collection<IoUsage> usages) {
        for (var usage : usages) {
            boolean counted = hosts.containsKey(usage.hostNqn()) || hosts.size() < MAX_HOSTS;
            var host = counted ? usage.hostNqn() : IoUsage.OTHERS;
            hosts.computeIfAbsent(host, ignored -> new TreeMap<>())
                    .merge(
                            usage.nsid(),
                            usage,
                            (sum, more) ->
                                    IoUsage.none(sum.nsid(), host).plus(sum).plus(more));
        }
    }

    List<IoUsage> rows() {
        return hosts.entrySet().stream()
                .flatMap(host -> host.getValue().values().stream()
                        .map(usage -> IoUsage.none(usage.nsid(), host.getKey()).plus(usage)))
                .toList();
    }
}
