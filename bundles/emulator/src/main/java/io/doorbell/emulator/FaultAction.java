package io.doorbell.emulator;

/** What a fault does to a command's end. */
final class FaultAction {
    void answer(EmulatedRequest request, int status) {
        request.fault = null;
        request.queue.completions.answer(request, status);
    }
}
