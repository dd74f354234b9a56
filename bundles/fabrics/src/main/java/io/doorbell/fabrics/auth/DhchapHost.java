package io.doorbell.fabrics.auth;

import static io.doorbell.nvme.AuthenticationMessage.*;

import io.doorbell.nvme.DhchapGroup;
import io.doorbell.nvme.DhchapHash;
import io.doorbell.nvme.DhchapKey;
import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;

/**
 * The host's part of one authentication transaction of a queue:
 *
 * <pre>
 * while (!host.isOver()) {
 *     if (host.sends()) {
 *         send(host.next());                                // Authentication Send
 *     } else {
 *         host.take(receive(DhchapHost.MAX_MESSAGE_BYTES)); // Authentication Receive
 *     }
 * }
 * </pre>
 *
 * <p>Owner: one thread at a time. It may compute for long.
 */
public final class DhchapHost {
    /** Room for the longest message of a controller. Not more than that, and a multiple of 4. */
    public static final int MAX_MESSAGE_BYTES = 4096;

    private enum State {
        NEGOTIATE,
        CHALLENGE,
        REPLY,
        SUCCESS1,
        SUCCESS2,
        AUTHENTICATED,
        FAILURE2,
        FAILED
    }

    private final DhchapKey key;
    private final DhchapKey controllerKey;
    private final DhchapOffer offer;
    private final String hostNqn;
    private final String subsystemNqn;
    private final int transactionId;
    private final SecureRandom random;

    private State state = State.NEGOTIATE;
    private int failure;
    private String reason = "";

    private DhchapHash hash;
    private byte[] reply;

    /** What the controller has to answer, or null where it was not asked. */
    private byte[] expected;

    /**
     * @param key the host's
     * @param controllerKey what the controller has to know; null to take any that lets this host in
     * @param transactionId another one for each transaction of the controller
     */
    public DhchapHost(
            DhchapKey key,
            DhchapKey controllerKey,
            DhchapOffer offer,
            String hostNqn,
            String subsystemNqn,
            int transactionId,
            SecureRandom random) {
        this.key = key;
        this.controllerKey = controllerKey;
        this.offer = offer;
        this.hostNqn = hostNqn;
        this.subsystemNqn = subsystemNqn;
        this.transactionId = transactionId & 0xFFFF;
        this.random = random;
    }

    /** Nothing is to be sent or received any more. */
    public boolean isOver() {
        return state == State.AUTHENTICATED || state == State.FAILED;
    }

    public boolean isAuthenticated() {
        return state == State.AUTHENTICATED;
    }

    /** Why it failed, for people. */
    public String reason() {
        return reason;
    }

    /** Whether there is a message to send; otherwise one is to be received. */
    public boolean sends() {
        return state == State.NEGOTIATE || state == State.REPLY || state == State.SUCCESS2 || state == State.FAILURE2;
    }

    /** The message to send. */
    public byte[] next() {
        return switch (state) {
            case NEGOTIATE -> negotiate();
            case REPLY -> {
                state = State.SUCCESS1;
                yield reply;
            }
            case SUCCESS2 -> {
                state = State.AUTHENTICATED;
                var bytes = new byte[HEADER_BYTES];
                begin(bytes, TYPE_DHCHAP, SUCCESS2);
                yield bytes;
            }
            case FAILURE2 -> {
                state = State.FAILED;
                var bytes = new byte[FAILURE_BYTES];
                var message = begin(bytes, TYPE_COMMON, FAILURE2);
                FAILURE_RESCODE.set(message, RESCODE_FAILURE);
                FAILURE_RESCODE_EXP.set(message, failure);
                yield bytes;
            }
            default -> throw new IllegalStateException("nothing is to be sent while it is at " + state);
        };
    }

    private byte[] negotiate() {
        var bytes = new byte[NEGOTIATE_BYTES + DESCRIPTOR_BYTES];
        var message = begin(bytes, TYPE_COMMON, NEGOTIATE);
        NEGOTIATE_NAPD.set(message, 1);
        DESCRIPTOR_AUTH_ID.set(message, NEGOTIATE_BYTES, PROTOCOL_DHCHAP);
        DESCRIPTOR_HALEN.set(message, NEGOTIATE_BYTES, offer.hashes().size());
        DESCRIPTOR_DHLEN.set(message, NEGOTIATE_BYTES, offer.groups().size());
        for (int i = 0; i < offer.hashes().size(); i++) {
            bytes[NEGOTIATE_BYTES + DESCRIPTOR_HASHES + i] =
                    (byte) offer.hashes().get(i).id();
        }
        for (int i = 0; i < offer.groups().size(); i++) {
            bytes[NEGOTIATE_BYTES + DESCRIPTOR_GROUPS + i] =
                    (byte) offer.groups().get(i).id();
        }
        state = State.CHALLENGE;
        return bytes;
    }

    /** A message of the controller; what stands behind it in the room for it is not looked at. */
    public void take(byte[] bytes) {
        if (state != State.CHALLENGE && state != State.SUCCESS1) {
            throw new IllegalStateException("nothing is to be received while it is at " + state);
        }
        if (bytes.length < COMMON_BYTES) {
            fail(INCORRECT_PAYLOAD, "a message of " + bytes.length + " bytes");
            return;
        }
        var message = MemorySegment.ofArray(bytes);
        int type = AUTH_TYPE.get(message);
        int id = AUTH_ID.get(message);
        if (type == TYPE_COMMON && id == FAILURE1) {
            reason = "the controller refuses this host: "
                    + (bytes.length < FAILURE_BYTES ? "no reason" : explanation(FAILURE_RESCODE_EXP.get(message)));
            state = State.FAILED;
        } else if (type != TYPE_DHCHAP || id != (state == State.CHALLENGE ? CHALLENGE : SUCCESS1)) {
            fail(INCORRECT_MESSAGE, name(type, id));
        } else if (T_ID.get(message) != transactionId) {
            fail(INCORRECT_PAYLOAD, "transaction " + T_ID.get(message) + " in that of " + transactionId);
        } else if (bytes.length < HEADER_BYTES) {
            fail(INCORRECT_PAYLOAD, name(type, id) + " of " + bytes.length + " bytes");
        } else if (state == State.CHALLENGE) {
            challenge(message, bytes);
        } else {
            success(message, bytes);
        }
    }

    private void challenge(MemorySegment message, byte[] bytes) {
        hash = DhchapHash.of(CHALLENGE_HASHID.get(message));
        var group = DhchapGroup.of(CHALLENGE_DHGID.get(message));
        if (hash == null
                || group == null
                || !offer.hashes().contains(hash)
                || !offer.groups().contains(group)) {
            fail(
                    INCORRECT_PAYLOAD,
                    "hash function " + CHALLENGE_HASHID.get(message) + " and group " + CHALLENGE_DHGID.get(message)
                            + ", which were not offered");
            return;
        }
        int dhvlen = CHALLENGE_DHVLEN.get(message);
        int value = HEADER_BYTES + hash.bytes();
        int sequence = CHALLENGE_SEQNUM.get(message);
        boolean shaped = CHALLENGE_HL.get(message) == hash.bytes()
                && dhvlen % 4 == 0
                && dhvlen <= group.bytes()
                && (dhvlen == 0) == (group == DhchapGroup.NULL)
                && bytes.length >= value + dhvlen
                && sequence != 0;
        if (!shaped) {
            fail(INCORRECT_PAYLOAD, "a challenge with a DH value of " + dhvlen + " bytes, sequence " + sequence);
            return;
        }
        byte[] ours = new byte[0];
        byte[] secret = null;
        if (group != DhchapGroup.NULL) {
            var exchange = DiffieHellman.generate(group, random);
            ours = exchange.value();
            secret = exchange.agree(bytes, value, value + dhvlen);
            if (secret == null) {
                fail(INCORRECT_PAYLOAD, "a DH value outside of its group");
                return;
            }
        }
        byte[] challenge = Arrays.copyOfRange(bytes, HEADER_BYTES, value);
        answer(new DhchapSignature(hash, transactionId, secret), challenge, sequence, ours);
    }

    private void answer(DhchapSignature signature, byte[] challenge, int sequence, byte[] value) {
        int hl = hash.bytes();
        reply = new byte[HEADER_BYTES + 2 * hl + value.length];
        var message = begin(reply, TYPE_DHCHAP, REPLY);
        REPLY_HL.set(message, hl);
        REPLY_DHVLEN.set(message, value.length);
        System.arraycopy(signature.ofHost(key, challenge, sequence, hostNqn, subsystemNqn), 0, reply, HEADER_BYTES, hl);
        System.arraycopy(value, 0, reply, HEADER_BYTES + 2 * hl, value.length);
        if (controllerKey != null) {
            var question = new byte[hl];
            random.nextBytes(question);
            int own = random.nextInt(1, Integer.MAX_VALUE);
            REPLY_CVALID.set(message, 1);
            REPLY_SEQNUM.set(message, own);
            System.arraycopy(question, 0, reply, HEADER_BYTES + hl, hl);
            expected = signature.ofController(controllerKey, question, own, hostNqn, subsystemNqn);
        }
        state = State.REPLY;
    }

    private void success(MemorySegment message, byte[] bytes) {
        if (expected == null) {
            state = State.AUTHENTICATED;
            return;
        }
        int hl = hash.bytes();
        if (SUCCESS1_RVALID.get(message) != 1 || SUCCESS1_HL.get(message) != hl || bytes.length < HEADER_BYTES + hl) {
            fail(INCORRECT_PAYLOAD, "the controller was asked who it is, and does not answer");
        } else if (!MessageDigest.isEqual(expected, Arrays.copyOfRange(bytes, HEADER_BYTES, HEADER_BYTES + hl))) {
            fail(AUTHENTICATION_FAILED, "the controller does not know its key");
        } else {
            state = State.SUCCESS2;
        }
    }

    private void fail(int explanation, String why) {
        failure = explanation;
        reason = explanation(explanation) + ": " + why;
        state = State.FAILURE2;
    }

    private MemorySegment begin(byte[] bytes, int type, int id) {
        var message = MemorySegment.ofArray(bytes);
        AUTH_TYPE.set(message, type);
        AUTH_ID.set(message, id);
        T_ID.set(message, transactionId);
        return message;
    }
}
