using System.Globalization;
using Google.Protobuf.Collections;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Arrow;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Calls;

/// <summary>What annotations say of the alleles of one call: what releases hold is public, whoever carries it. One thread at a time.</summary>
internal sealed class JoinedNotes : IDisposable
{
    private const int MostChoices = 100;

    private readonly StoreHost _host;

    private JoinedNotes(StoreHost host, AnnotationSet set)
    {
        (_host, Set, Columns) = (host, set, new V1.AnnotationColumns { Snapshot = set.Snapshot });
        Columns.Columns.AddRange(set.Columns.Select(c => new V1.AnnotationColumn { Name = c.Name, Type = Of(c.Type), Description = c.Description }));
        Columns.Releases.AddRange(set.Releases.Select(r => r.ToString()));
    }

    /// <summary>The join.</summary>
    public AnnotationSet Set { get; }

    /// <summary>Its columns, for the answer.</summary>
    public V1.AnnotationColumns Columns { get; }

    /// <summary>The same as columns of a table.</summary>
    public IEnumerable<ArrowField> Fields => Set.Columns.Select(c => new ArrowField(c.Name, c.Type switch { AnnotationType.Text => ArrowType.Utf8, AnnotationType.Real => ArrowType.Float64, _ => ArrowType.Int64 }));

    /// <summary>Opens what a request asks for; null when it asks for nothing.</summary>
    /// <exception cref="Warehouse.Engine.InputException">There is no such release or field.</exception>
    public static JoinedNotes? Open(StoreHost host, IReadOnlyList<string> choices, long snapshot)
    {
        if (choices.Count == 0) return null;
        if (choices.Count > MostChoices || choices.Any(c => c.Length == 0)) throw Refusals.BadRequest("annotate");
        return new JoinedNotes(host, host.Ask(store => store.JoinAnnotations(choices, snapshot)));
    }

    /// <summary>Adds the cells of an allele as an answer has it.</summary>
    public void AddTo(RepeatedField<V1.AnnotationCell> cells, string? contig, int start, string reference, string alternate)
    {
        Set.SeekAnswer(contig, start, reference, alternate);
        for (var i = 0; i < Set.Columns.Count; i++)
        {
            var cell = new V1.AnnotationCell();
            switch (Set.Columns[i].Type)
            {
                case AnnotationType.Text when Set.TextOf(i) is { } text: cell.Text = text; break;
                case AnnotationType.Real when Set.RealOf(i) is var real && !double.IsNaN(real): cell.Real = real; break;
                case AnnotationType.Integer or AnnotationType.Flag when Set.IntegerOf(i) is { } number: cell.Integer = number; break;
            }
            cells.Add(cell);
        }
    }

    /// <summary>Appends the cells of an allele to the columns of a table, from one on; returns the one behind.</summary>
    public int AppendTo(ArrowBatchBuilder batch, int at, (string Contig, int Start, string Ref, string Alt) allele)
    {
        Set.SeekAnswer(allele.Contig, allele.Start, allele.Ref, allele.Alt);
        for (var i = 0; i < Set.Columns.Count; i++, at++)
        {
            if (Set.Columns[i].Type == AnnotationType.Text) batch[at].Append(Set.TextOf(i));
            else if (Set.Columns[i].Type == AnnotationType.Real)
            {
                if (Set.RealOf(i) is var real && !double.IsNaN(real)) batch[at].Append(real);
                else batch[at].AppendNull();
            }
            else if (Set.IntegerOf(i) is { } number) batch[at].Append(number);
            else batch[at].AppendNull();
        }
        return at;
    }

    /// <summary>What became of a load.</summary>
    public static V1.LoadedRelease Of(AnnotationReceipt receipt) =>
        new() { Release = Of(receipt.Release), IsNew = receipt.Committed, IsNewest = receipt.IsNewest, Version = receipt.Version, Unmapped = { receipt.Unmapped } };

    /// <summary>A release, for the answer.</summary>
    public static V1.AnnotationRelease Of(AnnotationRelease release)
    {
        var wire = new V1.AnnotationRelease
        {
            Source = release.Source, Date = release.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Number = release.Number, FromVersion = release.FromVersion, UntilVersion = release.UntilVersion, IsPurged = release.IsPurged,
            IsIntervals = release.IsIntervals, TrimmedOnly = release.TrimmedOnly, Records = release.Records, Rows = release.Rows, SourceSha256 = release.SourceSha256, MappingSha256 = release.MappingSha256, ContentSha256 = release.ContentSha256,
        };
        wire.Lineage.AddRange(release.Lineage);
        wire.LeftOut.AddRange(release.LeftOut.Select(l => new V1.AnnotationsLeftOut { Reason = l.Reason, Count = l.Count }));
        wire.Fields.AddRange(release.Fields.Select(f => new V1.AnnotationColumn { Name = f.Name, Type = Of(f.Type), Description = f.Description }));
        return wire;
    }

    /// <inheritdoc/>
    public void Dispose() => _host.Ask(_ =>
    {
        Set.Dispose();
        return true;
    });

    private static V1.AnnotationType Of(AnnotationType type) => (V1.AnnotationType)((int)type + 1);
}
