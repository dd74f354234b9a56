package io.doorbell.lab.rdma;

import io.doorbell.lab.Case;
import io.doorbell.rdmanic.Engine;
import io.doorbell.verbs.Deviation;
import io.doorbell.verbs.TwoPeers;
import io.doorbell.verbs.VerbsContract;
import io.doorbell.verbs.VerbsDevice;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The contract that every provider of verbs passes, on the guest's RDMA device: a case for each of its tests over IPv4, and some over IPv6. The device is
 * connected with itself.
 */
final class NicContract extends VerbsContract {
    private static final List<String> OVER_6 =
            List.of("messagesOfAllLengthsArriveWhole", "aConnectionBringsPrivateDataAndAgreesOnReads");

    private final VerbsDevice device;

    private NicContract(VerbsDevice device) {
        this.device = device;
    }

    @Override
    protected VerbsDevice active() {
        return device;
    }

    @Override
    protected VerbsDevice passive() {
        return device;
    }

    /** All of them are rxe's, as its sources show: no provider can put them right. */
    @Override
    protected Set<Deviation> deviations() {
        return EnumSet.allOf(Deviation.class);
    }

    static List<Case> cases(Engine engine) {
        var prefix = "contract-" + engine.name().toLowerCase();
        return Stream.concat(
                        tests().stream().map(test -> contract(prefix + "-", test, engine, NicLab.ADDRESS)),
                        tests().stream()
                                .filter(test -> OVER_6.contains(test.getName()))
                                .map(test -> contract(prefix + "-6-", test, engine, NicLab.ADDRESS_6)))
                .toList();
    }

    private static List<Method> tests() {
        return Arrays.stream(VerbsContract.class.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .sorted(Comparator.comparing(Method::getName))
                .toList();
    }

    private static Case contract(String prefix, Method test, Engine engine, String address) {
        return Case.of(prefix + test.getName().replaceAll("([A-Z])", "-$1").toLowerCase(), guest -> {
            try (var nic = new Nic(engine)) {
                var contract = new NicContract(nic.at(address));
                contract.each(BeforeEach.class);
                try {
                    contract.run(test);
                } finally {
                    contract.each(AfterEach.class);
                }
            }
        });
    }

    private void each(Class<? extends java.lang.annotation.Annotation> kind) throws Exception {
        for (var method : TwoPeers.class.getDeclaredMethods()) {
            if (method.isAnnotationPresent(kind)) {
                run(method);
            }
        }
    }

    private void run(Method method) throws Exception {
        method.setAccessible(true);
        try {
            method.invoke(this);
        } catch (InvocationTargetException failed) {
            switch (failed.getCause()) {
                case Exception exception -> throw exception;
                case Error error -> throw error;
                default -> throw failed;
            }
        }
    }
}
