using Microsoft.Win32.SafeHandles;

namespace Warehouse.Engine.Vcf;

/// <summary>Opens variant files: VCF 4.1 to 4.5 text and BCF 2.2, plain, BGZF or gzip, told apart by their bytes, never by their names.</summary>
public static class VariantFile
{
    private const int StandardInput = 0;

    /// <summary>Opens a file and reads its header.</summary>
    /// <param name="path">A path, or <c>-</c> for standard input.</param>
    /// <param name="options">How to read.</param>
    /// <exception cref="InputException">The file does not exist, or is no variant file that this reads.</exception>
    /// <exception cref="IOException">The system could not read it.</exception>
    public static VariantReader Open(string path, VcfReadOptions options)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path == "-") return Open(new FileStream(new SafeFileHandle(StandardInput, ownsHandle: false), FileAccess.Read, bufferSize: 0), path, options);
        try
        {
            return Open(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan), path, options);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException("input-missing", "there is no such file", new InputPlace(path, 0, 0, ""));
        }
    }

    /// <summary>Reads the header from a stream; the reader owns the stream from here on, also when this throws.</summary>
    /// <param name="bytes">The file as stored; read forward only.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <param name="options">How to read.</param>
    /// <exception cref="InputException">It is no variant file that this reads.</exception>
    public static VariantReader Open(Stream bytes, string name, VcfReadOptions options)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentNullException.ThrowIfNull(options);
        var raw = new RawInput(bytes, name, hashBeside: options.Threads > 1);
        DecodedInput? input = null;
        try
        {
            input = Decode(raw, options);
            return OpenDecoded(input, options);
        }
        catch
        {
            if (input is not null) input.Dispose();
            else raw.Dispose();
            throw;
        }
    }

    /// <summary>Opens any text, plain, BGZF or gzip, to be read line by line; what the input is called in errors is its path. The caller disposes both.</summary>
    /// <exception cref="InputException">The file does not exist or is empty.</exception>
    internal static (DecodedInput Input, LineInput Lines) OpenLines(string path, VcfReadOptions options)
    {
        try
        {
            var raw = new RawInput(path == "-" ? new FileStream(new SafeFileHandle(StandardInput, ownsHandle: false), FileAccess.Read, bufferSize: 0)
                : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan), path, hashBeside: options.Threads > 1);
            try
            {
                var input = Decode(raw, options);
                return (input, new LineInput(input));
            }
            catch
            {
                raw.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException("input-missing", "there is no such file", new InputPlace(path, 0, 0, ""));
        }
    }

    private static DecodedInput Decode(RawInput raw, VcfReadOptions options)
    {
        if (raw.PeekSome().IsEmpty) throw Refused(raw, "input-empty", "the file is empty");
        if (raw.Peek(2) is not [0x1f, 0x8b]) return new PlainInput(raw);
        return BgzfInput.Begins(raw)
            ? new BgzfInput(raw, options.Limits.MaxInflatedBytes, options.Threads)
            : new GzipInput(raw, options.Limits.MaxInflatedBytes);
    }

    private static VariantReader OpenDecoded(DecodedInput input, VcfReadOptions options)
    {
        var head = input.PeekStart(5);
        if (head.IsEmpty) throw Refused(input.Raw, "input-empty", "the file is empty once decompressed");
        if (head is [(byte)'B', (byte)'C', (byte)'F', 2, 2]) return new BcfReader(input, options);
        if (head is [(byte)'B', (byte)'C', (byte)'F', < 32, ..]) throw Refused(input.Raw, "bcf-version", "BCF of another version than 2.2: bcftools view turns it into VCF");
        if (head is [0xEF, 0xBB, 0xBF, ..] or [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
            throw Refused(input.Raw, "byte-order-mark", "the file begins with a byte order mark: VCF is UTF-8 without one");
        if (head is [0x1f, 0x8b, ..]) throw Refused(input.Raw, "gzip-nested", "the file is compressed twice");
        return new VcfTextReader(input, options);
    }

    private static InputException Refused(RawInput raw, string code, string expected) => new(code, expected, new InputPlace(raw.Name, 0, 0, ""));
}
