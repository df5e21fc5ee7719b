namespace Warehouse.Engine.Vcf;

/// <summary>
/// Reads the records of one variant file in order. The header has been read and checked when a reader exists.
/// One thread. After an exception of <see cref="Read"/> the reader is useless; nothing needs to be undone.
/// </summary>
public abstract class VariantReader : IDisposable
{
    private const int MostSkippedPlaces = 100;
    private const int MostWarnings = 1_000;
    private readonly DecodedInput _input;
    private readonly Dictionary<string, long> _skipped = new(StringComparer.Ordinal);
    private readonly List<(string Code, InputPlace Place)> _skippedPlaces = [];
    private readonly List<string> _warnings = [];
    private bool _ended;

    private protected VariantReader(DecodedInput input) => _input = input;

    /// <summary>The header.</summary>
    public abstract VcfHeader Header { get; }

    /// <summary>Bytes taken from the file as stored, read ahead included: for progress.</summary>
    public long CompressedBytesRead => _input.Raw.BytesRead;

    /// <summary>Records handed out.</summary>
    public long RecordCount { get; private set; }

    /// <summary>Records left out, by error code; empty unless <see cref="VcfReadOptions.SkipBadRecords"/>.</summary>
    public IReadOnlyDictionary<string, long> Skipped => _skipped;

    /// <summary>The first 100 records left out.</summary>
    public IReadOnlyList<(string Code, InputPlace Place)> SkippedPlaces => _skippedPlaces;

    /// <summary>What the specification forbids and no count depends on, header first; the first 1,000. Records are checked under <see cref="VcfReadOptions.Lint"/> alone.</summary>
    public IReadOnlyList<string> LintWarnings => _warnings;

    /// <summary>Reads the next record into the one given, whose former contents become invalid.</summary>
    /// <returns>False at the end of the file, which has been checked then.</returns>
    /// <exception cref="InputException">The record is not understood, or the file is damaged.</exception>
    public bool Read(VcfRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (!_ended && ReadNext(record))
        {
            RecordCount++;
            return true;
        }
        _ended = true;
        return false;
    }

    /// <summary>SHA-256 of the file as stored (compressed bytes).</summary>
    /// <exception cref="InvalidOperationException">The end of the file has not been reached.</exception>
    public byte[] Sha256OfInput() => _ended ? _input.Raw.Sha256() : throw new InvalidOperationException("the digest is known when Read has returned false");

    /// <summary>Closes the file. Records become invalid.</summary>
    public void Dispose()
    {
        Release();
        _input.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the format's reader has rented.</summary>
    private protected virtual void Release()
    {
    }

    /// <summary>Notes that the end of the file has been reached and checked.</summary>
    private protected void End() => _ended = true;

    /// <summary>The format's part of <see cref="Read"/>.</summary>
    private protected abstract bool ReadNext(VcfRecord record);

    /// <summary>Counts a record that is left out.</summary>
    private protected void Skip(InputException fault)
    {
        _skipped[fault.Code] = _skipped.GetValueOrDefault(fault.Code) + 1;
        if (_skippedPlaces.Count < MostSkippedPlaces) _skippedPlaces.Add((fault.Code, fault.Place));
    }

    /// <summary>Keeps a warning.</summary>
    private protected void Warn(string text)
    {
        if (_warnings.Count < MostWarnings) _warnings.Add(text);
    }
}
