package io.doorbell.host;

/**
 * Counters of a queue pair, read by any thread while the owner writes them; each is exact, together they may be a moment apart.
 *
 * @param submitted commands staged
 * @param completed commands ended
 * @param failed commands that ended with a status other than success
 * @param polls calls of {@link QueuePair#poll}: a holder that does not poll any more shows here
 * @param submissionDoorbells stores to the submission doorbell of BAR0
 * @param submissionShadowDoorbells stores to the shadow doorbell
 * @param retried times that a command was given to the device again, since it said that it may help
 * @param completionDoorbells stores to the completion doorbell, shadow or not
 */
public record QueuePairCounters(
        long submitted,
        long completed,
        long failed,
        long polls,
        long retried,
        long submissionDoorbells,
        long submissionShadowDoorbells,
        long completionDoorbells) {}
