using Warehouse.Engine.Annotations;

namespace Warehouse.Clinic.ClinVar;

/// <summary>
/// A walk over two releases at once, allele by allele in their order. Of an allele that both have one row of, what is equal is found by codes: that two codes of two blocks stand for equal
/// texts is found out once. One thread.
/// </summary>
internal sealed class ClinVarPairs : IDisposable
{
    private readonly ClinVarRows? _olds;
    private readonly (int Place, EqualTexts Texts)[] _compared = [];
    private (int Olds, int Nows) _entered;
    private bool _isFirst = true;

    /// <summary>Takes the walks over.</summary>
    /// <param name="olds">The earlier release; null = it has nothing.</param>
    /// <param name="nows">The later one.</param>
    internal ClinVarPairs(ClinVarRows? olds, ClinVarRows nows)
    {
        (_olds, Nows) = (olds, nows);
        if (olds is not null) _compared = [.. ClinVarRows.Compared(olds, nows).Select(place => (place, new EqualTexts()))];
        olds?.Next();
        nows.Next();
    }

    /// <summary>The earlier release.</summary>
    internal ClinVarRows Olds => _olds!;

    /// <summary>The later one.</summary>
    internal ClinVarRows Nows { get; }

    /// <summary>Below 0 where the earlier release alone has the allele, above where the later one alone has it, else 0.</summary>
    internal int Order { get; private set; }

    /// <summary>Goes to the next allele of either.</summary>
    /// <returns>False when there is none.</returns>
    internal bool Next()
    {
        if (!_isFirst && Order <= 0) _olds?.Next();
        if (!_isFirst && Order >= 0) Nows.Next();
        _isFirst = false;
        var isOver = _olds?.IsOver != false;
        Order = isOver ? 1 : Nows.IsOver ? -1 : _olds!.CompareTo(Nows);
        return !isOver || !Nows.IsOver;
    }

    /// <summary>Goes to the next allele that one of them alone has, or more than one row of, or another text of.</summary>
    /// <returns>False when there is none.</returns>
    internal bool NextDifference()
    {
        while (Next())
            if (Order != 0 || !IsSame()) return true;
        return false;
    }

    public void Dispose()
    {
        _olds?.Dispose();
        Nows.Dispose();
    }

    private bool IsSame()
    {
        if (!_olds!.IsSingle || !Nows.IsSingle) return false;
        if (_entered != (_olds.Entered, Nows.Entered))
        {
            foreach (var (place, texts) in _compared) texts.Enter(_olds.Column(place), Nows.Column(place));
            _entered = (_olds.Entered, Nows.Entered);
        }
        foreach (var (_, texts) in _compared)
            if (!texts.AreEqual(_olds.Row, Nows.Row)) return false;
        return true;
    }

    /// <summary>Which codes of a column of two blocks stand for equal texts.</summary>
    private sealed class EqualTexts
    {
        private AnnotationColumn? _old, _now;

        /// <summary>Per code of the earlier block the code of the later one that is known to be equal; 0 = none is known, and 0 itself stands for no text.</summary>
        private int[] _equal = [];

        internal void Enter(AnnotationColumn? old, AnnotationColumn? now)
        {
            if (ReferenceEquals(old, _old) && ReferenceEquals(now, _now)) return;
            (_old, _now) = (old, now);
            var codes = 1 + (old?.TextCount ?? 0);
            if (_equal.Length < codes) _equal = new int[codes];
            _equal.AsSpan(0, codes).Clear();
        }

        internal bool AreEqual(int oldRow, int nowRow)
        {
            var (a, b) = (_old is null ? 0 : _old.Codes[oldRow], _now is null ? 0 : _now.Codes[nowRow]);
            if ((a | b) == 0 || (b != 0 && _equal[a] == b)) return true;
            if (!TextOf(_old, a).SequenceEqual(TextOf(_now, b))) return false;
            if (a != 0) _equal[a] = b;
            return true;
        }

        private static ReadOnlySpan<byte> TextOf(AnnotationColumn? column, int code) => code == 0 ? [] : column!.TextOf(code);
    }
}
