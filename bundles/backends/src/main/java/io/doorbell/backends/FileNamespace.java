package io.doorbell.backends;

import io.doorbell.nvme.NvmOpcode;
import io.doorbell.nvme.Status;
import io.doorbell.platform.DurableFile;
import io.doorbell.platform.PlatformException;
import io.doorbell.platform.SparseFile;
import io.doorbell.reactor.Reactor;
import io.doorbell.storage.BlockFormat;
import io.doorbell.storage.Namespace;
import io.doorbell.storage.NamespaceShape;
import io.doorbell.storage.NamespaceSpec;
import io.doorbell.storage.NvmRequest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Blocks in a sparse file, block {@code n} at byte {@code n * storedBytes}: its data, and its metadata behind it, so that one
 * write has both. See {@link FileBackend}.
 *
 * <p>Sessions queue, workers execute. Durable is: what a Flush that came later has answered for, and what was written
 * with FUA. A Flush that fails may have lost what came before it, and Linux will not say so twice: from then on every
 * Flush and every FUA write of this opening fails.
 *
 * <p>A fused pair excludes every other command on its way through a worker, by the exclusive side of a lock whose shared
 * side the others take.
 */
final class FileNamespace implements Namespace {
    private static final Logger LOG = LoggerFactory.getLogger(FileNamespace.class);

    /** Tasks that wait for a worker; more wait in their sessions. */
    private static final int MAX_QUEUED = 1024;

    private static final int MAX_SESSIONS = 4096;

    /** Compare, Verify and zeroing without holes go through the file in pieces of so many bytes. */
    private static final int CHUNK_BYTES = 256 << 10;

    /** Given back between two looks at the progress of an erasure. */
    private static final int ERASE_BYTES = 16 << 20;

    private static final long CLOSE_BOUND_SECONDS = 10;
    private static final int FUA = 1 << 30;
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    private static final String NO_SPACE = "No space left on device";

    /** Ends the worker that takes it. */
    private static final FileTask END = new FileTask(null);

    private final Path path;
    /** These change when it is formatted, with no session open. */
    private volatile FileIdentity identity;

    private volatile NamespaceShape shape;
    /** Data and metadata of a block. */
    private volatile long storedBytes;

    private final SparseFile sparse;
    private final FileChannel channel;
    /** The same file, opened so that each write is durable when it returns, and only what it wrote. */
    private final FileChannel durable;

    private final ArrayBlockingQueue<FileTask> queue = new ArrayBlockingQueue<>(MAX_QUEUED);
    private final ReentrantReadWriteLock fusedLock = new ReentrantReadWriteLock();
    private final Thread[] workers;
    private volatile boolean punchesHoles = true;
    /** Why nothing can be durable any more, or null. */
    private volatile IOException lost;

    // Guarded by this.
    private final Set<FileSession> sessions = new HashSet<>();
    private boolean closed;

    private FileNamespace(
            Path path,
            FileIdentity identity,
            SparseFile sparse,
            FileChannel channel,
            FileChannel durable,
            int workers) {
        this.path = path;
        this.identity = identity;
        this.sparse = sparse;
        this.channel = channel;
        this.durable = durable;
        long blocks = identity.byteSize() / identity.format().blockBytes();
        storedBytes = identity.format().storedBytes();
        shape = new NamespaceShape(identity.format(), blocks, identity.uuid(), true, true, true, "file " + path);
        this.workers = new Thread[workers];
        for (int i = 0; i < workers; i++) {
            // Platform threads: a FileChannel keeps its thread, so a virtual one would keep a carrier.
            this.workers[i] = Thread.ofPlatform()
                    .daemon()
                    .name(path.getFileName() + "-" + i)
                    .start(this::work);
        }
    }

    /**
     * Opens the file, or makes it where there is none: what hosts store is nobody's but its owner's. One that is there keeps its permissions.
     *
     * @throws IllegalArgumentException when it is there with another block size
     * @throws UncheckedIOException when it is in use, damaged, not ours, or cannot be opened
     */
    static FileNamespace open(Path path, NamespaceSpec spec, int workers) {
        SparseFile sparse = null;
        FileChannel channel = null;
        FileChannel durable = null;
        boolean opened = false;
        try {
            Files.createDirectories(path.toAbsolutePath().getParent());
            channel = FileChannel.open(
                    path,
                    Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
                    PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            sparse = SparseFile.open(path);
            if (!sparse.tryLock()) {
                throw new FileSystemException(path.toString(), null, "is in use by another namespace or node");
            }
            var identity = identity(path, channel, spec);
            durable = FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.DSYNC);
            var namespace = new FileNamespace(path, identity, sparse, channel, durable, workers);
            opened = true;
            return namespace;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } catch (PlatformException failed) {
            throw new UncheckedIOException(new IOException(failed));
        } finally {
            if (!opened) {
                closeQuietly(durable);
                closeQuietly(channel);
                if (sparse != null) {
                    sparse.close();
                }
            }
        }
    }

    /** What the file is, after making it what it should be where nothing is in it yet. */
    private static FileIdentity identity(Path path, FileChannel channel, NamespaceSpec spec) throws IOException {
        var found = FileIdentity.read(path);
        if (found.isEmpty() && channel.size() != 0) {
            throw new FileSystemException(
                    path.toString(),
                    FileIdentity.beside(path).toString(),
                    "has data, but no file beside it that says what namespace it is. Move it away, or bring that file back");
        }
        if (found.isPresent() && found.get().ready()) {
            var identity = found.get();
            boolean formatted = identity.state() == FileIdentity.State.FORMATTED;
            boolean same = identity.format().equals(spec.format());
            if (formatted && !same) {
                LOG.info(
                        "{} has blocks of {} since a host formatted it, and is configured with {}",
                        path,
                        identity.format(),
                        spec.format());
            }
            if (!formatted && !same) {
                throw new IllegalArgumentException("namespace file " + path + " has blocks of " + identity.format()
                        + ", but is configured with blocks of " + spec.format()
                        + ". Configure what it has, or another path");
            }
            if (identity.resizing() != 0) {
                LOG.warn("the resizing of {} to {} bytes was interrupted, and is finished", path, identity.resizing());
                return resize(path, channel, identity, identity.resizing());
            }
            if (channel.size() != identity.storedBytes()) {
                throw new FileSystemException(
                        path.toString(),
                        null,
                        "is damaged: it has " + channel.size() + " bytes, and had " + identity.storedBytes());
            }
            return identity;
        }
        if (found.isPresent()) {
            LOG.warn("the making of {} was interrupted, and is done again: there was no data in it", path);
        }
        // Until the identity says ready, nobody has been given the namespace, so whatever a crash leaves holds no data.
        // What was being formatted is the same namespace yet: reservations, for one, go by its UUID.
        var uuid = found.map(FileIdentity::uuid).orElseGet(UUID::randomUUID);
        var making = new FileIdentity(uuid, spec.byteSize(), spec.format(), FileIdentity.State.MAKING);
        return make(path, channel, making, FileIdentity.State.READY);
    }

    private static FileIdentity make(Path path, FileChannel channel, FileIdentity making, FileIdentity.State end)
            throws IOException {
        making.write(path);
        channel.truncate(0);
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(making.storedBytes());
        }
        channel.force(true);
        DurableFile.forceDirectory(path.toAbsolutePath().getParent());
        var made = making.in(end);
        made.write(path);
        return made;
    }

    /** As it was made: a crash on the way leaves a namespace without data, of the size that configuration says. */
    @Override
    public void format(BlockFormat format) {
        long bytes = identity.byteSize();
        if (bytes < format.blockBytes()) {
            throw new IllegalArgumentException("not one block of " + format + " in " + bytes + " bytes");
        }
        try {
            var making = new FileIdentity(identity.uuid(), bytes, format, FileIdentity.State.MAKING);
            identity = make(path, channel, making, FileIdentity.State.FORMATTED);
            storedBytes = format.storedBytes();
            shape = shape.formatted(format, bytes);
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** A crash on the way leaves what says where it was going, and then it is taken there. */
    @Override
    public synchronized void resize(long bytes) {
        var before = shape;
        var resized = before.resized(bytes);
        try {
            if (resized.blockCount() < before.blockCount()) {
                shape = resized; // No range of a Dataset Management goes behind the new end from here on.
            }
            identity = resize(path, channel, identity, bytes);
            shape = resized;
        } catch (IOException failed) {
            shape = before;
            throw new UncheckedIOException(failed);
        }
    }

    private static FileIdentity resize(Path path, FileChannel channel, FileIdentity from, long bytes)
            throws IOException {
        var on = from.resizing(bytes);
        var resized = on.resized();
        boolean done = false;
        on.write(path);
        try {
            if (resized.storedBytes() < channel.size()) {
                channel.truncate(resized.storedBytes());
            } else {
                try (var file = new RandomAccessFile(path.toFile(), "rw")) {
                    file.setLength(resized.storedBytes());
                }
            }
            channel.force(true);
            resized.write(path);
            done = true;
            return resized;
        } finally {
            if (!done && from.resizing() == 0 && channel.size() == from.storedBytes()) {
                from.write(path);
            }
        }
    }

    @Override
    public boolean isErasable() {
        return true;
    }

    @Override
    public boolean erase(Erasure erasure, Progress progress) {
        var scratch = new Scratch();
        long size = identity.storedBytes();
        long total = size * (erasure.passes() + 1);
        long done = 0;
        try {
            for (int pass = 0; pass <= erasure.passes(); pass++) {
                boolean last = pass == erasure.passes();
                if (!last) {
                    scratch.fill(erasure.patternOf(pass));
                }
                int step = last ? ERASE_BYTES : CHUNK_BYTES;
                for (long at = 0; at < size; at += step) {
                    int part = (int) Math.min(step, size - at);
                    if (last) {
                        zero(at, part, scratch);
                    } else {
                        writeFully(channel, scratch.chunkBuffer.clear().limit(part), at);
                    }
                    done += part;
                    if (!progress.at(done, total)) {
                        return false;
                    }
                }
                // Each pass reaches the disk before the next one may take its place in the page cache.
                force();
            }
            return true;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        } catch (PlatformException failed) {
            throw new UncheckedIOException(new IOException(failed));
        }
    }

    @Override
    public boolean scan(Progress progress) {
        var scratch = new Scratch();
        long size = identity.storedBytes();
        try {
            for (long at = 0; at < size; at += CHUNK_BYTES) {
                int part = (int) Math.min(CHUNK_BYTES, size - at);
                readFully(scratch.chunkBuffer.clear().limit(part), at);
                if (!progress.at(at + part, size)) {
                    return false;
                }
            }
            return true;
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    private static void closeQuietly(FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException ignored) {
            // It failed to open, and that is what the caller is told.
        }
    }

    @Override
    public Optional<Path> beside(String extension) {
        return Optional.of(path.resolveSibling(path.getFileName() + extension));
    }

    @Override
    public NamespaceShape shape() {
        return shape;
    }

    @Override
    public synchronized FileSession open(Reactor reactor) {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
        if (sessions.size() == MAX_SESSIONS) {
            throw new IllegalStateException(this + " has " + MAX_SESSIONS + " sessions, as many as it can have");
        }
        var session = new FileSession(this, reactor);
        sessions.add(session);
        return session;
    }

    synchronized void closed(FileSession session) {
        sessions.remove(session);
    }

    boolean offer(FileTask task) {
        return queue.offer(task);
    }

    /** Takes back what no worker has begun; returns how many tasks that were. */
    int withdraw(FileSession session) {
        int before = 0;
        for (var task : queue) {
            if (task.session == session && queue.remove(task)) {
                before++;
            }
        }
        return before;
    }

    private void work() {
        var scratch = new Scratch();
        while (true) {
            FileTask task;
            try {
                task = queue.take();
            } catch (InterruptedException never) {
                continue; // Nobody knows this thread but us.
            }
            if (task == END) {
                return;
            }
            task.status = execute(task, scratch);
            task.session.finished(task);
        }
    }

    /** What a worker needs beside the request. */
    private static final class Scratch {
        final MemorySegment chunk = Arena.ofAuto().allocate(CHUNK_BYTES, 4096);
        final ByteBuffer chunkBuffer = chunk.asByteBuffer();

        /** Of the namespace as it is formatted. */
        DatasetRanges ranges = new DatasetRanges(0);

        long rangesBlockCount;

        DatasetRanges ranges(long blockCount) {
            if (rangesBlockCount != blockCount) {
                ranges = new DatasetRanges(blockCount);
                rangesBlockCount = blockCount;
            }
            return ranges;
        }

        void fill(int pattern) {
            for (int at = 0; at < CHUNK_BYTES; at += Integer.BYTES) {
                chunk.set(ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN), at, pattern);
            }
        }
    }

    private int execute(FileTask task, Scratch scratch) {
        var lock = task.compare == null ? fusedLock.readLock() : fusedLock.writeLock();
        lock.lock();
        try {
            if (task.compare != null) {
                int status = execute(task.compare, scratch);
                if (status != Status.SUCCESS) {
                    return status;
                }
            }
            return execute(task.request, scratch);
        } catch (RuntimeException defect) {
            LOG.error("{}: a command with opcode {} met a defect", this, task.request.opc, defect);
            return Status.INTERNAL_ERROR;
        } finally {
            lock.unlock();
        }
    }

    private int execute(NvmRequest request, Scratch scratch) {
        boolean writing = true;
        try {
            long offset = request.slba * storedBytes;
            long bytes = request.blockCount * storedBytes;
            switch (request.opc) {
                case NvmOpcode.READ -> {
                    writing = false;
                    if ((request.cdw12 & FUA) != 0) {
                        force(); // What is returned has to be durable.
                    }
                    read(request, offset);
                }
                case NvmOpcode.WRITE -> write(request, offset);
                case NvmOpcode.FLUSH -> force();
                case NvmOpcode.COMPARE -> {
                    writing = false;
                    return compare(request, offset, bytes, scratch);
                }
                case NvmOpcode.VERIFY -> {
                    writing = false;
                    verify(offset, bytes, scratch);
                }
                case NvmOpcode.WRITE_ZEROES -> {
                    zero(offset, bytes, scratch);
                    if ((request.cdw12 & FUA) != 0) {
                        force();
                    }
                }
                case NvmOpcode.DATASET_MANAGEMENT -> {
                    return manage(request, scratch);
                }
                default -> {
                    return Status.INVALID_OPCODE | Status.DNR;
                }
            }
            return Status.SUCCESS;
        } catch (IOException failed) {
            return failed(request, writing, failed);
        } catch (PlatformException failed) {
            return failed(request, writing, new IOException(failed));
        } catch (IllegalStateException gone) {
            // The host's memory was taken away while we were at it.
            return Status.DATA_TRANSFER_ERROR;
        }
    }

    private int failed(NvmRequest request, boolean writing, IOException failure) {
        LOG.error(
                "{}: {} of {} blocks from {} on failed",
                this,
                NvmOpcode.name(request.opc),
                request.blockCount,
                request.slba,
                failure);
        if (String.valueOf(failure.getMessage()).contains(NO_SPACE)) {
            return Status.CAPACITY_EXCEEDED;
        }
        return writing ? Status.WRITE_FAULT : Status.UNRECOVERED_READ_ERROR;
    }

    private void read(NvmRequest request, long offset) throws IOException {
        long at = offset;
        for (int i = 0; i < request.pieceCount; i++) {
            var buffer = piece(request, i);
            readFully(buffer, at);
            at += request.pieceBytes[i];
        }
    }

    private void readFully(ByteBuffer buffer, long offset) throws IOException {
        long at = offset;
        while (buffer.hasRemaining()) {
            int count = channel.read(buffer, at);
            if (count < 0) {
                throw new IOException("the file ends at " + at + ": it was cut short behind our back");
            }
            at += count;
        }
    }

    private void write(NvmRequest request, long offset) throws IOException {
        boolean fua = (request.cdw12 & FUA) != 0;
        if (fua && lost != null) {
            throw lost;
        }
        long at = offset;
        for (int i = 0; i < request.pieceCount; i++) {
            writeFully(fua ? durable : channel, piece(request, i), at);
            at += request.pieceBytes[i];
        }
    }

    private static void writeFully(FileChannel target, ByteBuffer buffer, long offset) throws IOException {
        long at = offset;
        while (buffer.hasRemaining()) {
            at += target.write(buffer, at);
        }
    }

    private static ByteBuffer piece(NvmRequest request, int index) {
        return request.pieces[index]
                .asSlice(request.pieceOffsets[index], request.pieceBytes[index])
                .asByteBuffer();
    }

    private int compare(NvmRequest request, long offset, long bytes, Scratch scratch) throws IOException {
        long at = offset;
        for (int i = 0; i < request.pieceCount; i++) {
            long start = request.pieceOffsets[i];
            long end = start + request.pieceBytes[i];
            while (start < end) {
                int part = (int) Math.min(end - start, CHUNK_BYTES);
                readFully(scratch.chunkBuffer.clear().limit(part), at);
                if (MemorySegment.mismatch(scratch.chunk, 0, part, request.pieces[i], start, start + part) >= 0) {
                    return Status.COMPARE_FAILURE | Status.DNR;
                }
                start += part;
                at += part;
            }
        }
        assert at == offset + bytes : "the data of a Compare is too short";
        return Status.SUCCESS;
    }

    private void verify(long offset, long bytes, Scratch scratch) throws IOException {
        for (long done = 0; done < bytes; done += CHUNK_BYTES) {
            int part = (int) Math.min(bytes - done, CHUNK_BYTES);
            readFully(scratch.chunkBuffer.clear().limit(part), offset + done);
        }
    }

    private int manage(NvmRequest request, Scratch scratch) throws IOException {
        var ranges = scratch.ranges(shape.blockCount());
        int status = ranges.load(request);
        if (status != Status.SUCCESS || !DatasetRanges.deallocates(request)) {
            return status;
        }
        for (int i = 0; i < ranges.count(); i++) {
            zero(ranges.slba(i) * storedBytes, ranges.blockCount(i) * storedBytes, scratch);
        }
        return Status.SUCCESS;
    }

    private void zero(long offset, long bytes, Scratch scratch) throws IOException {
        if (bytes == 0) {
            return;
        }
        if (punchesHoles) {
            if (sparse.punchHole(offset, bytes)) {
                return;
            }
            punchesHoles = false;
            LOG.warn("the file system of {} has no holes: zeroes are written, and space is not given back", path);
        }
        scratch.chunk.fill((byte) 0);
        for (long done = 0; done < bytes; done += CHUNK_BYTES) {
            int part = (int) Math.min(bytes - done, CHUNK_BYTES);
            writeFully(channel, scratch.chunkBuffer.clear().limit(part), offset + done);
        }
    }

    private void force() throws IOException {
        if (lost != null) {
            throw lost;
        }
        try {
            channel.force(false);
        } catch (IOException failed) {
            lost = failed;
            throw failed;
        }
    }

    @Override
    public void flush() {
        try {
            force();
        } catch (IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        boolean stopped = false;
        boolean interrupted = false;
        try {
            stopped = stopWorkers();
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (!stopped) {
            LOG.error("{}: a transfer has not ended within {} s, and is cut off", this, CLOSE_BOUND_SECONDS);
        }
        try {
            force();
        } catch (IOException failed) {
            LOG.error("{} could not be flushed at its close", this, failed);
        }
        closeQuietly(durable);
        closeQuietly(channel);
        sparse.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** By a task each, and not by an interrupt, which would close the channel under a transfer. */
    private boolean stopWorkers() throws InterruptedException {
        long deadlineNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_BOUND_SECONDS);
        for (int i = 0; i < workers.length; i++) {
            if (!queue.offer(END, deadlineNanos - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                return false;
            }
        }
        for (var worker : workers) {
            if (!worker.join(Duration.ofNanos(Math.max(0, deadlineNanos - System.nanoTime())))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public String toString() {
        return "namespace file " + path;
    }
}
