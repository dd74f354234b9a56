package io.doorbell.fabrics.auth;

import static io.doorbell.nvme.AuthenticationMessage.*;

import io.doorbell.nvme.DhchapGroup;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;

/**
 * The controller's part of authentication transactions of one queue, one after another. Authentication Send brings what {@link #take}s, Authentication
 * Receive fetches what {@link #next} has. Whatever the host does wrong is answered by AUTH_Failure1, and that is the end.
 *
 * <p>Owner: one thread at a time. Both methods may compute for long.
 */
public final class DhchapController {
    /** The longest message that a host may send: {@value} bytes. A reply in the largest group is shorter. */
    public static final int MAX_MESSAGE_BYTES = 8192;

    /** Of all challenges of this node, so that none is like another. */
    private static final AtomicInteger SEQUENCE = new AtomicInteger(new SecureRandom().nextInt());

    /** Where a transaction is; in the order in which it goes. */
    public enum State {
        NEGOTIATE,
        CHALLENGE,
        REPLY,
        SUCCESS1,
        /** The host is authentic and has asked who answers; it is yet to say that it is content. */
        SUCCESS2,
        /** The host is authentic. It may begin another transaction. */
        AUTHENTICATED,
        /** AUTH_Failure1 is to be fetched. */
        FAILURE1,
        FAILED
    }

    /**
     * What is needed to know a host.
     *
     * @param host its key
     * @param controller this side's, to show a host that asks; null where hosts cannot ask
     */
    public record Keys(DhchapKey host, DhchapKey controller) {}

    private final Supplier<Keys> source;
    private final DhchapOffer offer;
    private final String hostNqn;
    private final String subsystemNqn;
    private final SecureRandom random;

    private State state = State.NEGOTIATE;
    private int failure;
    private String reason = "";

    // Of the transaction.
    private int transactionId;
    private Keys keys;
    private DhchapHash hash;
    private DhchapGroup group;
    private DiffieHellman exchange;
    private byte[] challenge;
    private int sequence;

    /** The answer for the host that asked, or null. */
    private byte[] answer;

    /** @param source asked as a transaction begins, since keys change; answers null when they cannot be had */
    public DhchapController(
            Supplier<Keys> source, DhchapOffer offer, String hostNqn, String subsystemNqn, SecureRandom random) {
        this.source = source;
        this.offer = offer;
        this.hostNqn = hostNqn;
        this.subsystemNqn = subsystemNqn;
        this.random = random;
    }

    public State state() {
        return state;
    }

    /** Why it failed, for people. */
    public String reason() {
        return reason;
    }

    /** What was agreed on, for people. */
    public String agreement() {
        return hash == null ? "nothing" : hash.word() + " and " + group.word();
    }

    // What the host sends.

    /** A message of the host. */
    public void take(byte[] bytes) {
        if (state == State.FAILURE1 || state == State.FAILED) {
            return;
        }
        if (bytes.length < COMMON_BYTES) {
            fail(INCORRECT_PAYLOAD, "a message of " + bytes.length + " bytes");
            return;
        }
        var message = MemorySegment.ofArray(bytes);
        int type = AUTH_TYPE.get(message);
        int id = AUTH_ID.get(message);
        boolean expected = switch (state) {
            case NEGOTIATE, AUTHENTICATED -> type == TYPE_COMMON && id == NEGOTIATE;
            case REPLY -> type == TYPE_DHCHAP && id == REPLY;
            case SUCCESS2 -> type == TYPE_DHCHAP && id == SUCCESS2;
            default -> false;
        };
        if (type == TYPE_COMMON && id == FAILURE2) {
            failedByHost(message);
        } else if (!expected) {
            fail(INCORRECT_MESSAGE, name(type, id) + " while it is at " + state);
        } else if (id != NEGOTIATE && T_ID.get(message) != transactionId) {
            fail(INCORRECT_PAYLOAD, "transaction " + T_ID.get(message) + " in that of " + transactionId);
        } else if (id == NEGOTIATE) {
            negotiate(message);
        } else if (id == REPLY) {
            reply(message, bytes);
        } else if (message.byteSize() != HEADER_BYTES) {
            fail(INCORRECT_PAYLOAD, "DH-HMAC-CHAP_Success2 of " + message.byteSize() + " bytes");
        } else {
            state = State.AUTHENTICATED;
        }
    }

    private void failedByHost(MemorySegment message) {
        reason = message.byteSize() < FAILURE_BYTES
                ? "the host gives up"
                : "the host gives up: " + explanation(FAILURE_RESCODE_EXP.get(message));
        state = State.FAILED;
    }

    private void negotiate(MemorySegment message) {
        transactionId = T_ID.get(message);
        hash = null;
        group = null;
        answer = null;
        long size = message.byteSize();
        if (size < NEGOTIATE_BYTES || size != NEGOTIATE_BYTES + (long) NEGOTIATE_NAPD.get(message) * DESCRIPTOR_BYTES) {
            fail(INCORRECT_PAYLOAD, "AUTH_Negotiate of " + size + " bytes");
            return;
        }
        if (NEGOTIATE_SC_C.get(message) != 0) {
            fail(CONCATENATION_MISMATCH, "the host wants a secure channel of it");
            return;
        }
        for (int i = 0; i < NEGOTIATE_NAPD.get(message); i++) {
            int at = NEGOTIATE_BYTES + i * DESCRIPTOR_BYTES;
            if (DESCRIPTOR_AUTH_ID.get(message, at) == PROTOCOL_DHCHAP) {
                choose(message, at);
                return;
            }
        }
        fail(PROTOCOL_NOT_USABLE, "the host knows another protocol");
    }

    private void choose(MemorySegment message, int descriptor) {
        int hashes = DESCRIPTOR_HALEN.get(message, descriptor);
        int groups = DESCRIPTOR_DHLEN.get(message, descriptor);
        if (hashes > DESCRIPTOR_LIST_BYTES || groups > DESCRIPTOR_LIST_BYTES) {
            fail(INCORRECT_PAYLOAD, hashes + " hash functions and " + groups + " groups in a descriptor");
            return;
        }
        hash = first(offer.hashes(), DhchapHash::id, message, descriptor + DESCRIPTOR_HASHES, hashes);
        group = first(offer.groups(), DhchapGroup::id, message, descriptor + DESCRIPTOR_GROUPS, groups);
        if (hash == null) {
            fail(HASH_NOT_USABLE, "the host has none of " + offer.hashes());
        } else if (group == null) {
            fail(GROUP_NOT_USABLE, "the host has none of " + offer.groups());
        } else {
            keys = source.get();
            if (keys == null) {
                fail(AUTHENTICATION_FAILED, "the key of the host cannot be had");
            } else {
                state = State.CHALLENGE;
            }
        }
    }

    /** The first of ours that the host has too. */
    private static <T> T first(List<T> ours, ToIntFunction<T> id, MemorySegment message, int at, int count) {
        byte[] theirs = message.asSlice(at, count).toArray(ValueLayout.JAVA_BYTE);
        for (var each : ours) {
            for (byte their : theirs) {
                if (Byte.toUnsignedInt(their) == id.applyAsInt(each)) {
                    return each;
                }
            }
        }
        return null;
    }

    private void reply(MemorySegment message, byte[] bytes) {
        int most = HEADER_BYTES + 2 * hash.bytes();
        int dhvlen = bytes.length < HEADER_BYTES ? -1 : REPLY_DHVLEN.get(message);
        boolean shaped = dhvlen >= 0
                && bytes.length == most + dhvlen
                && REPLY_HL.get(message) == hash.bytes()
                && dhvlen % 4 == 0
                && dhvlen <= group.bytes()
                && (dhvlen == 0) == (group == DhchapGroup.NULL)
                && REPLY_CVALID.get(message) <= 1
                && (REPLY_CVALID.get(message) == 0 || REPLY_SEQNUM.get(message) != 0);
        if (!shaped) {
            fail(INCORRECT_PAYLOAD, "DH-HMAC-CHAP_Reply of " + bytes.length + " bytes, DH value of " + dhvlen);
            return;
        }
        byte[] secret = null;
        if (group != DhchapGroup.NULL) {
            secret = exchange.agree(bytes, most, bytes.length);
            exchange = null;
            if (secret == null) {
                fail(INCORRECT_PAYLOAD, "a DH value outside of its group");
                return;
            }
        }
        var signature = new DhchapSignature(hash, transactionId, secret);
        byte[] expected = signature.ofHost(keys.host(), challenge, sequence, hostNqn, subsystemNqn);
        byte[] response = Arrays.copyOfRange(bytes, HEADER_BYTES, HEADER_BYTES + hash.bytes());
        // In constant time: how much of it is right is nobody's business.
        if (!MessageDigest.isEqual(expected, response)) {
            fail(AUTHENTICATION_FAILED, "the host does not know its key");
            return;
        }
        if (REPLY_CVALID.get(message) == 1) {
            if (keys.controller() == null) {
                fail(AUTHENTICATION_FAILED, "the host asks who answers, and there is no key of the controller");
                return;
            }
            byte[] theirs = Arrays.copyOfRange(bytes, HEADER_BYTES + hash.bytes(), most);
            answer =
                    signature.ofController(keys.controller(), theirs, REPLY_SEQNUM.get(message), hostNqn, subsystemNqn);
        }
        keys = null; // They are read anew when they are needed anew.
        state = State.SUCCESS1;
    }

    private void fail(int explanation, String why) {
        keys = null;
        failure = explanation;
        reason = explanation(explanation) + ": " + why;
        state = State.FAILURE1;
        exchange = null;
    }

    // What the host fetches.

    /**
     * The next message for the host.
     *
     * @param room bytes that the host has for it
     * @return null when not even a failure has room
     */
    public byte[] next(int room) {
        byte[] message = switch (state) {
            case CHALLENGE -> challenge();
            case SUCCESS1 -> success();
            case FAILURE1, FAILED -> failure();
            default -> {
                fail(INCORRECT_MESSAGE, "the host asks for a message while it is at " + state);
                yield failure();
            }
        };
        if (message.length > room && state != State.FAILED) {
            fail(INCORRECT_PAYLOAD, "the host has room for " + room + " bytes of " + message.length);
            message = failure();
        }
        return message.length > room ? null : message;
    }

    private byte[] challenge() {
        byte[] value = new byte[0];
        if (group != DhchapGroup.NULL) {
            exchange = DiffieHellman.generate(group, random);
            value = exchange.value();
        }
        challenge = new byte[hash.bytes()];
        random.nextBytes(challenge);
        do {
            sequence = SEQUENCE.incrementAndGet();
        } while (sequence == 0);
        var bytes = new byte[HEADER_BYTES + hash.bytes() + value.length];
        var message = begin(bytes, TYPE_DHCHAP, CHALLENGE);
        CHALLENGE_HL.set(message, hash.bytes());
        CHALLENGE_HASHID.set(message, hash.id());
        CHALLENGE_DHGID.set(message, group.id());
        CHALLENGE_DHVLEN.set(message, value.length);
        CHALLENGE_SEQNUM.set(message, sequence);
        System.arraycopy(challenge, 0, bytes, HEADER_BYTES, challenge.length);
        System.arraycopy(value, 0, bytes, HEADER_BYTES + challenge.length, value.length);
        state = State.REPLY;
        return bytes;
    }

    private byte[] success() {
        int more = answer == null ? 0 : answer.length;
        var bytes = new byte[HEADER_BYTES + more];
        var message = begin(bytes, TYPE_DHCHAP, SUCCESS1);
        // Linux looks at HL even where no answer follows.
        SUCCESS1_HL.set(message, hash.bytes());
        SUCCESS1_RVALID.set(message, answer == null ? 0 : 1);
        if (answer != null) {
            System.arraycopy(answer, 0, bytes, HEADER_BYTES, more);
        }
        state = answer == null ? State.AUTHENTICATED : State.SUCCESS2;
        return bytes;
    }

    private byte[] failure() {
        var bytes = new byte[FAILURE_BYTES];
        var message = begin(bytes, TYPE_COMMON, FAILURE1);
        FAILURE_RESCODE.set(message, RESCODE_FAILURE);
        FAILURE_RESCODE_EXP.set(message, failure == 0 ? AUTHENTICATION_FAILED : failure);
        state = State.FAILED;
        return bytes;
    }

    private MemorySegment begin(byte[] bytes, int type, int id) {
        var message = MemorySegment.ofArray(bytes);
        AUTH_TYPE.set(message, type);
        AUTH_ID.set(message, id);
        T_ID.set(message, transactionId);
        return message;
    }
}
