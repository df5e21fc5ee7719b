using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Units.Segments;

/// <summary>Keys read straight from the sites stream against the decoded table.</summary>
public sealed class SiteKeysTests
{
    [Fact]
    public void Keys_and_spans_are_those_of_the_table()
    {
        for (var seed = 7401; seed <= 7420; seed++)
        {
            var raw = RandomSites(new Random(seed));
            var table = SiteTableCodec.Decode(raw);
            var (columns, keys) = (new SiteColumns(), new SiteKeys());
            columns.Load(raw, raw.Length, table.RecordCount, table.RowCount);
            keys.Load(columns);
            Assert.True(keys.Count == table.SortedRows.Length && columns.RecordCount == table.RecordCount, $"seed {seed}: {keys.Count} rows, {table.SortedRows.Length} expected");
            var byKey = table.SortedRows.GroupBy(r => AlleleCode.KeyOf(table.RowStart[r], table.RowRefText(r), table.RowAltText(r))).ToDictionary(g => g.Key, g => g.ToHashSet());
            for (var i = 0; i < keys.Count; i++)
            {
                var row = keys.RowAt(i);
                Assert.True(i == 0 || keys.Keys[i - 1] <= keys.Keys[i], $"seed {seed}: keys {i - 1} and {i} are out of order");
                Assert.True(byKey[keys.Keys[i]].Remove(row) && keys.RecordAt(i) == table.RowRecord[row], $"seed {seed}: key {i} is of another row");
                if ((keys.Keys[i] & AlleleCode.Hashed) == 0) continue;
                Assert.True(keys.Hashed.IsAllele(row, table.RowRefText(row), table.RowAltText(row)), $"seed {seed}: row {row} is not its allele");
                Assert.False(keys.Hashed.IsAllele(row, table.RowRefText(row), [.. table.RowAltText(row), (byte)'A']), $"seed {seed}: row {row} is another allele");
            }
            for (var record = 0; record < table.RecordCount; record++)
            {
                var speaks = (table.Flags[record] & RecordFlags.Speaks) != 0;
                Assert.Equal((table.RecordStart[record], speaks ? table.RecordEnd[record] : int.MinValue, table.LargestEnd[record]), (columns.Records[record].Start, columns.Records[record].End, columns.Records[record].LargestEnd));
            }
        }
    }

    [Fact]
    public void Alleles_are_found_in_the_columns_as_in_the_table_in_any_order()
    {
        var columns = new SiteColumns();
        for (var seed = 7601; seed <= 7616; seed++)
        {
            var dice = new Random(seed);
            var raw = RandomSites(dice);
            var table = SiteTableCodec.Decode(raw);
            columns.Load(raw, raw.Length, table.RecordCount, table.RowCount);
            var asked = table.SortedRows.Select(r => (Start: table.RowStart[r], Ref: table.RowRefText(r).ToArray(), Alt: table.RowAltText(r).ToArray())).ToList();
            asked.AddRange(asked.Select(a => (a.Start + dice.Next(-2, 3), a.Ref, a.Alt)).ToList());
            asked.AddRange(asked.Select(a => (a.Start, a.Ref, (byte[])[.. a.Alt, (byte)'A'])).ToList());
            asked.AddRange(asked.Select(a => (a.Start, (byte[])[.. a.Ref, (byte)'C'], a.Alt)).ToList());
            var order = asked.ToArray();
            if (seed % 2 == 0) Array.Sort(order, (a, b) => a.Start.CompareTo(b.Start));
            else dice.Shuffle(order);
            foreach (var (start, reference, alternate) in order)
            {
                var rows = table.SortedRows.Where(r => table.RowStart[r] == start && table.RowRefText(r).SequenceEqual(reference) && table.RowAltText(r).SequenceEqual(alternate)).ToArray();
                var matches = columns.Find(start, reference, alternate, out var row, out var record);
                Assert.True(matches == rows.Length, $"seed {seed}: {matches} rows at {start}, {rows.Length} expected");
                Assert.True(matches == 0 ? row == -1 : rows.Contains(row) && record == table.RowRecord[row], $"seed {seed}: row {row} of record {record} at {start}");
            }
        }
    }

    [Fact]
    public void Numbers_of_a_column_are_read_in_runs_as_one_by_one()
    {
        for (var seed = 7701; seed <= 7740; seed++)
        {
            var dice = new Random(seed);
            var longer = dice.Next(1, 40);
            var values = Enumerable.Range(0, dice.Next(200)).Select(_ => dice.Next(longer) == 0 ? dice.Next() >> dice.Next(31) : dice.Next(128)).ToArray();
            var to = new Warehouse.Engine.Coding.ByteWriter(16);
            foreach (var value in values) to.Var(value);
            foreach (var behind in (int[])[0, 1, 40])
            {
                var bytes = (byte[])[.. to.Written, .. Enumerable.Repeat((byte)0xFF, behind)];
                var read = new int[values.Length];
                Assert.Equal(to.Length, Warehouse.Engine.Coding.VarColumn.Read(bytes, read));
                Assert.True(values.AsSpan().SequenceEqual(read), $"seed {seed}");
                Assert.Equal(to.Length, Warehouse.Engine.Coding.VarColumn.Skip(bytes, values.Length));
            }
            if (to.Length > 0) Assert.Throws<InvalidDataException>(() => Warehouse.Engine.Coding.VarColumn.Read(to.Written[..^1], new int[values.Length]));
        }
    }

    [Fact]
    public void Different_short_alleles_have_different_keys()
    {
        var alleles = new List<string>();
        foreach (var length in (int[])[1, 2, 3])
            for (var code = 0; code < 1 << (2 * length); code++) alleles.Add(string.Concat(Enumerable.Range(0, length).Select(i => "ACGT"[(code >> (2 * i)) & 3])));
        var keys = alleles.SelectMany(r => alleles.Select(a => AlleleCode.KeyOf(-1, System.Text.Encoding.ASCII.GetBytes(r), System.Text.Encoding.ASCII.GetBytes(a)))).ToList();
        Assert.Equal(keys.Count, keys.Distinct().Count());
        Assert.All(keys, k => Assert.Equal(0UL, k & AlleleCode.Hashed));
        Assert.NotEqual(0UL, AlleleCode.KeyOf(5, "A"u8, "N"u8) & AlleleCode.Hashed);
        Assert.NotEqual(0UL, AlleleCode.KeyOf(5, "A"u8, "ACGTACGTACG"u8) & AlleleCode.Hashed);
    }

    [Fact]
    public void A_sites_stream_that_is_cut_or_changed_is_refused_or_read_within_its_bounds()
    {
        var raw = RandomSites(new Random(7501));
        var table = SiteTableCodec.Decode(raw);
        var (columns, keys) = (new SiteColumns(), new SiteKeys());
        for (var length = 0; length < raw.Length - 60; length += 1 + (length / 50)) TryLoad(raw.AsSpan(0, length).ToArray());
        var dice = new Random(7502);
        for (var i = 0; i < 2000; i++)
        {
            var damaged = raw.ToArray();
            damaged[dice.Next(raw.Length)] ^= (byte)(1 << dice.Next(8));
            TryLoad(damaged);
        }
        Assert.Throws<InvalidDataException>(() => columns.Load(raw, raw.Length, table.RecordCount + 1, table.RowCount));
        Assert.Throws<InvalidDataException>(() => columns.Load(raw, raw.Length, table.RecordCount, table.RowCount - 1));

        void TryLoad(byte[] bytes)
        {
            try
            {
                columns.Load(bytes, bytes.Length, table.RecordCount, table.RowCount);
            }
            catch (InvalidDataException)
            {
                Assert.Equal(0, columns.RecordCount);
                return;
            }
            keys.Load(columns);
            Assert.InRange(keys.Count, 0, table.RowCount);
            for (var i = 0; i < keys.Count; i += 7) columns.Find((int)(keys.Keys[i] >> 32) - 1, "A"u8, "CT"u8, out _, out _);
        }
    }

    /// <summary>Records of one to four ALTs of all kinds, some of them trimmed or moved.</summary>
    private static byte[] RandomSites(Random random)
    {
        var builder = new SiteTableBuilder();
        var start = -1;
        string Bases(int length) => string.Concat(Enumerable.Range(0, length).Select(_ => random.Next(40) == 0 ? 'N' : "ACGT"[random.Next(4)]));
        for (var record = random.Next(1, 400); record > 0; record--)
        {
            start += random.Next(20) == 0 ? random.Next(40_000) : random.Next(3);
            var reference = Bases(random.Next(5) == 0 ? random.Next(1, 20) : 1);
            var flags = (RecordFlags)random.Next(16);
            builder.AddRecord(start, System.Text.Encoding.ASCII.GetBytes(reference), flags, random.Next(3) == 0 ? "q10" : "PASS", ".");
            for (var alt = random.Next(6) == 0 ? random.Next(2, 5) : 1; alt > 0; alt--)
            {
                var (kind, text) = random.Next(12) switch
                {
                    0 => (AlleleKind.Star, "*"),
                    1 => (AlleleKind.Symbolic, "<DEL>"),
                    _ => (AlleleKind.Bases, Bases(random.Next(5) == 0 ? random.Next(1, 20) : 1)),
                };
                var written = System.Text.Encoding.ASCII.GetBytes(text);
                var form = kind == AlleleKind.Bases ? random.Next(6) : 0;
                if (form == 1) builder.AddRow(kind, written, start - random.Next(0, 30) is >= 0 and var moved ? moved : 0, System.Text.Encoding.ASCII.GetBytes(Bases(random.Next(1, 15))), System.Text.Encoding.ASCII.GetBytes(Bases(random.Next(1, 15))));
                else if (form == 2 && reference.Length > 1 && text.Length > 1) builder.AddRow(kind, written, start + 1, System.Text.Encoding.ASCII.GetBytes(reference[1..]), System.Text.Encoding.ASCII.GetBytes(reference[1..^1] + text[^1]));
                else if (form == 3 && reference.Length > 1 && text.Length > 1) builder.AddRow(kind, written, start + 1, System.Text.Encoding.ASCII.GetBytes(reference[1..]), written.AsSpan(1));
                else builder.AddRow(kind, written, start, [], []);
                if (kind == AlleleKind.Symbolic) builder.SetExtent(new StructuralExtent(start + 10, 9, (0, 0), (0, 0)));
            }
        }
        var table = builder.Build(new RecordFlags[builder.RecordCount]);
        for (var row = 0; row < table.RowCount; row++) table.RowCollapsed[row] = random.Next(15) == 0;
        var to = new Warehouse.Engine.Coding.ByteWriter(1024);
        SiteTableCodec.Encode(table, to);
        return to.ToArray();
    }
}
