using Warehouse.Protocol.V1;

namespace Warehouse.Client;

/// <summary>
/// The answer to "have we seen this variant?": <see cref="Seen"/>, <see cref="NotSeen"/> or <see cref="NotAssessable"/>; below the level record
/// <see cref="FewerThanK"/> or <see cref="Withheld"/> in the place of not seen; and nothing else. A failure never reads as not seen.
/// </summary>
public abstract record SeenAnswer
{
    private protected SeenAnswer(Protocol.V1.SeenAnswer message, AnswerContext? context) => (Message, Context) = (message, context);

    /// <summary>The query as asked.</summary>
    public string Query => Message.Query;

    /// <summary>All that the server said of it; positions are 1-based.</summary>
    public Protocol.V1.SeenAnswer Message { get; }

    /// <summary>What the answer rests on.</summary>
    public AnswerContext? Context { get; }

    internal static SeenAnswer Of(Protocol.V1.SeenAnswer message, AnswerContext? context) => message.State switch
    {
        SeenState.Seen => new Seen(message, context), SeenState.NotSeen => new NotSeen(message, context),
        SeenState.FewerThanK => new FewerThanK(message, context), SeenState.Withheld => new Withheld(message, context),
        // What a later server might say is not known here, so nothing was learned.
        _ => new NotAssessable(message, context),
    };

    /// <summary>A visible sample carries it; at the levels below record: at least k do.</summary>
    public sealed record Seen : SeenAnswer
    {
        internal Seen(Protocol.V1.SeenAnswer message, AnswerContext? context) : base(message, context)
        {
        }

        /// <summary>Exact figures; null below the level record.</summary>
        public Figures? Figures => Message.Figures;

        /// <summary>Figures as released; null but at the level aggregate.</summary>
        public ReleasedFigures? Released => Message.Released;
    }

    /// <summary>No carrier among at least one assessed sample; at the level record alone.</summary>
    public sealed record NotSeen : SeenAnswer
    {
        internal NotSeen(Protocol.V1.SeenAnswer message, AnswerContext? context) : base(message, context)
        {
        }

        /// <summary>Exact figures, which say how many were looked at.</summary>
        public Figures? Figures => Message.Figures;
    }

    /// <summary>At the level exists: fewer than <see cref="K"/> samples carry it, which may be none.</summary>
    public sealed record FewerThanK : SeenAnswer
    {
        internal FewerThanK(Protocol.V1.SeenAnswer message, AnswerContext? context) : base(message, context)
        {
        }

        /// <summary>The least number of carriers that is told of.</summary>
        public int K => Message.K;
    }

    /// <summary>
    /// Below the level record: the rules of release hold the answer back, and it says nothing of the variant. At the level aggregate its figures are
    /// banded, of which fewer than k carriers are one reason; at the level exists something was told of a cohort that overlaps.
    /// </summary>
    public sealed record Withheld : SeenAnswer
    {
        internal Withheld(Protocol.V1.SeenAnswer message, AnswerContext? context) : base(message, context)
        {
        }

        /// <summary>The least number of carriers that is told of.</summary>
        public int K => Message.K;

        /// <summary>Why, in words.</summary>
        public string Reason => Message.Reason;
    }

    /// <summary>No sample was assessed there, or the query could not be interpreted, or a part of the store did not answer. It says nothing about the variant.</summary>
    public sealed record NotAssessable : SeenAnswer
    {
        internal NotAssessable(Protocol.V1.SeenAnswer message, AnswerContext? context) : base(message, context)
        {
        }

        /// <summary>Why, in words.</summary>
        public string Reason => Message.Reason is { Length: > 0 } reason ? reason : Message.Damage is { Length: > 0 } damage ? damage : "no sample was assessed there";
    }
}

/// <summary>Who carries one variant.</summary>
/// <param name="Seen">What is said of the variant.</param>
/// <param name="Carriers">In the order of their names; empty unless it was seen.</param>
public sealed record CarriersAnswer(SeenAnswer Seen, IReadOnlyList<Carrier> Carriers);

/// <summary>
/// An answer that is a file: its bytes, in pieces as they come. Asked for when it is enumerated, once. A piece is the enumerator's until the next
/// one is asked for. Ends with an exception when it is cut, and when a part of the store did not answer, unless <see cref="AskOptions.AcceptsIncomplete"/>.
/// </summary>
public sealed class ByteAnswer : IAsyncEnumerable<ReadOnlyMemory<byte>>
{
    private readonly Func<CancellationToken, IAsyncEnumerable<Chunk>> _ask;
    private readonly bool _acceptsIncomplete;

    internal ByteAnswer(AskOptions how, Func<CancellationToken, IAsyncEnumerable<Chunk>> ask) => (_ask, _acceptsIncomplete) = (ask, how.AcceptsIncomplete);

    /// <summary>How it ended: what it rests on, and whether a part of the store was left out; null until all of it was read.</summary>
    public AnswerEnd? End { get; private set; }

    /// <inheritdoc/>
    public async IAsyncEnumerator<ReadOnlyMemory<byte>> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        await foreach (var chunk in _ask(cancellationToken).ConfigureAwait(false))
        {
            if (chunk.End is { } end) End = end;
            if (chunk.Data.Length > 0) yield return chunk.Data.Memory;
        }
        if (End is null) throw WarehouseException.Cut();
        if (!_acceptsIncomplete && End.Completeness is not { IsWhole: true }) throw WarehouseException.Incomplete();
    }

    /// <summary>Copies all of it.</summary>
    /// <returns>How it ended.</returns>
    public async Task<AnswerEnd> CopyToAsync(Stream target, CancellationToken cancellationToken = default)
    {
        await foreach (var piece in this.WithCancellation(cancellationToken).ConfigureAwait(false)) await target.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
        return End!;
    }
}
