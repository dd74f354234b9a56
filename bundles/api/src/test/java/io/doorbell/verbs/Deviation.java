package io.doorbell.verbs;

/** What a device is known to do otherwise than {@link VerbsContract} says. The contract requires exactly that of it then, so that it is seen when it ends. */
public enum Deviation {
    /**
     * A segment to be sent whose key is nobody's ends as "local operation error". By IBTA vol. 1 release 1.4 §11.6.2 "Completion Return Status" that is an
     * inconsistency within the queue pair, and a segment that no region allows is a "local protection error". rdma_rxe of Linux 6.1: {@code copy_data} answers
     * EINVAL for the key and EFAULT for the range, and {@code rxe_requester} takes only the second for one of protection.
     */
    UNKNOWN_KEYS_ARE_OPERATION_ERRORS,

    /**
     * A receive that no region allows, or that is shorter than its message, ends as "local operation error", and the sender hears of a remote operation error.
     * By §11.6.2 they are local protection and local length errors, and by §9.9.3 "Responder Side Behavior" a message that is too long is an invalid request.
     * rdma_rxe of Linux 6.1: {@code send_data_in} makes RESPST_ERR_MALFORMED_WQE of both.
     */
    RECEIVE_ERRORS_ARE_OPERATION_ERRORS,

    /**
     * A window opens all of its region, not only the part to which it is bound; its rights, its connection and its end hold. By §10.6 "Memory Management" the
     * bounds do too. rdma_rxe of Linux 6.1: {@code check_rkey} goes from the window to its region and compares with the bounds of that.
     */
    WINDOWS_HAVE_NO_BOUNDS
}
