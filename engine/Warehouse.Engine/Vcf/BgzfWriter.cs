using System.Buffers.Binary;
using System.IO.Compression;
using Warehouse.Primitives;

namespace Warehouse.Engine.Vcf;

/// <summary>
/// Writes BGZF (SAM specification, 4.1): gzip members of at most 65,280 bytes of content, each with its own length, ended by
/// an empty member. One caller thread; the blocks may be deflated on others, in the same order and with the same bytes.
/// Only <see cref="Complete"/> writes the end block: a writer that is disposed of without it, because something failed or was
/// cancelled, leaves a file that readers know to be cut off. After an exception nothing more is written.
/// <para>
/// Block: 0 1f 8b 08 04 · 4 mtime 0 (4) · 8 extra flags 0, OS 255 · 10 extra length 6 (2) · 12 'B' 'C' 2 (2) · 16 block length - 1 (2)
/// · 18 deflate data · CRC-32 of the content (4) · content length (4). Little-endian.
/// </para>
/// </summary>
public sealed class BgzfWriter : Stream
{
    /// <summary>Most content bytes of one block.</summary>
    public const int MaxBlockBytes = 65280;

    private const int HeaderBytes = 18;
    private const int FooterBytes = 8;
    private static readonly byte[] EndBlock = Convert.FromHexString("1f8b08040000000000ff0600424302001b0003000000000000000000");

    private readonly Stream _target;
    private readonly CompressionLevel _level;
    private readonly bool _leaveOpen;
    private readonly int _maxInFlight;
    private readonly Queue<(Task Work, Block Block)> _inFlight = new();
    private readonly Stack<Block> _free = new();
    private Block _current = new();
    private State _state;

    /// <summary>Starts writing at the target's position.</summary>
    /// <param name="target">Receives whole blocks, in order.</param>
    /// <param name="level">Deflate effort. The compressed bytes depend on the runtime's zlib; the content does not.</param>
    /// <param name="threads">Blocks deflated at a time; 1 deflates on the caller's thread.</param>
    /// <param name="leaveOpen">Leaves the target open on Dispose.</param>
    public BgzfWriter(Stream target, CompressionLevel level = CompressionLevel.Fastest, int threads = 1, bool leaveOpen = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _target = target;
        _level = level;
        _leaveOpen = leaveOpen;
        _maxInFlight = threads == 1 ? 0 : threads * 2;
    }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => _state == State.Open;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        RequireOpen();
        while (buffer.Length > 0)
        {
            var take = Math.Min(buffer.Length, MaxBlockBytes - _current.ContentBytes);
            buffer[..take].CopyTo(_current.Content.AsSpan(_current.ContentBytes));
            _current.ContentBytes += take;
            buffer = buffer[take..];
            if (_current.ContentBytes == MaxBlockBytes) EndCurrent();
        }
    }

    /// <summary>Ends the current block and writes everything to the target; later writes start a new block.</summary>
    public override void Flush()
    {
        RequireOpen();
        EndCurrent();
        while (_inFlight.Count > 0) WriteOldest();
        _target.Flush();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Writes everything and the end block. Nothing can be written after it.</summary>
    public void Complete()
    {
        Flush();
        _state = State.Complete;
        _target.Write(EndBlock);
        _target.Flush();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && _state != State.Disposed)
        {
            _state = State.Disposed;
            // Blocks still being deflated are waited for, so that no task outlives the writer, and dropped.
            while (_inFlight.Count > 0) Task.WaitAny(_inFlight.Dequeue().Work);
            if (!_leaveOpen) _target.Dispose();
        }
        base.Dispose(disposing);
    }

    private void RequireOpen()
    {
        ObjectDisposedException.ThrowIf(_state == State.Disposed, this);
        if (_state != State.Open) throw new InvalidOperationException(_state == State.Complete ? "the end block is written" : "an earlier write failed");
    }

    private void EndCurrent()
    {
        var block = _current;
        if (block.ContentBytes == 0) return;
        if (_maxInFlight == 0)
        {
            _state = State.Failed;
            block.Compress(_level);
            Emit(block);
            return;
        }
        if (_inFlight.Count == _maxInFlight) WriteOldest();
        _inFlight.Enqueue((Task.Run(() => block.Compress(_level)), block));
        _current = _free.Count > 0 ? _free.Pop() : new Block();
    }

    private void WriteOldest()
    {
        _state = State.Failed;
        var (work, block) = _inFlight.Dequeue();
        work.GetAwaiter().GetResult();
        Emit(block);
        _free.Push(block);
    }

    /// <summary>Callers set the state to failed first: what follows a hole must not be written.</summary>
    private void Emit(Block block)
    {
        _target.Write(block.Written);
        block.ContentBytes = 0;
        _state = State.Open;
    }

    private enum State
    {
        Open,
        Failed,
        Complete,
        Disposed,
    }

    /// <summary>Content and compressed bytes of one block, reused.</summary>
    private sealed class Block
    {
        public readonly byte[] Content = new byte[MaxBlockBytes];
        public int ContentBytes;
        private readonly byte[] _output = new byte[65536];
        private int _outputBytes;

        public ReadOnlySpan<byte> Written => _output.AsSpan(0, _outputBytes);

        public void Compress(CompressionLevel level)
        {
            var content = Content.AsSpan(0, ContentBytes);
            var dataBytes = Deflate(content, level);
            if (dataBytes < 0) dataBytes = Store(content);
            _outputBytes = HeaderBytes + dataBytes + FooterBytes;
            EndBlock.AsSpan(0, 16).CopyTo(_output);
            BinaryPrimitives.WriteUInt16LittleEndian(_output.AsSpan(16), (ushort)(_outputBytes - 1));
            BinaryPrimitives.WriteUInt32LittleEndian(_output.AsSpan(HeaderBytes + dataBytes), Crc32.Compute(content));
            BinaryPrimitives.WriteUInt32LittleEndian(_output.AsSpan(HeaderBytes + dataBytes + 4), (uint)content.Length);
        }

        /// <summary>Bytes of deflate data, or -1 when it would not fit a block.</summary>
        private int Deflate(ReadOnlySpan<byte> content, CompressionLevel level)
        {
            using var window = new BoundedStream(_output, HeaderBytes, _output.Length - FooterBytes);
            using (var deflate = new DeflateStream(window, level, leaveOpen: true)) deflate.Write(content);
            return window.Overflowed ? -1 : window.Count;
        }

        /// <summary>One stored block of deflate: final flag, length, its complement, the bytes. 65,280 + 5 always fit.</summary>
        private int Store(ReadOnlySpan<byte> content)
        {
            var data = _output.AsSpan(HeaderBytes);
            data[0] = 1;
            BinaryPrimitives.WriteUInt16LittleEndian(data[1..], (ushort)content.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(data[3..], (ushort)~content.Length);
            content.CopyTo(data[5..]);
            return 5 + content.Length;
        }
    }

    /// <summary>Writes into a part of an array and remembers, instead of throwing, that it did not fit.</summary>
    private sealed class BoundedStream(byte[] buffer, int start, int end) : Stream
    {
        public bool Overflowed { get; private set; }

        public int Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(byte[] data, int offset, int count) => Write(data.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> data)
        {
            if (Overflowed || data.Length > end - start - Count)
            {
                Overflowed = true;
                return;
            }
            data.CopyTo(buffer.AsSpan(start + Count));
            Count += data.Length;
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] data, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
