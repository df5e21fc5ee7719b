using System.Text;
using Warehouse.Engine.Arrow;
using Xunit;

namespace Warehouse.Tests.Arrow;

public sealed class ArrowTests
{
    private static readonly ArrowSchema Schema = new(
        new ArrowField("i32", ArrowType.Int32), new ArrowField("i64", ArrowType.Int64), new ArrowField("f64", ArrowType.Float64),
        new ArrowField("text", ArrowType.Utf8), new ArrowField("flag", ArrowType.Bool), new ArrowField("sure", ArrowType.Int64, Nullable: false));

    /// <summary>A row as plain objects, the dull twin of a batch.</summary>
    private static object?[] RandomRow(Random random, double nulls) =>
    [
        Maybe(random, nulls, () => random.Next(int.MinValue, int.MaxValue)), Maybe(random, nulls, () => random.NextInt64(long.MinValue, long.MaxValue)),
        Maybe(random, nulls, () => random.NextDouble() * Math.Pow(10, random.Next(-300, 300))), Maybe(random, nulls, () => new string('é', random.Next(4)) + random.Next(99)),
        Maybe(random, nulls, () => random.Next(2) == 0), random.NextInt64(),
    ];

    private static object? Maybe(Random random, double nulls, Func<object> value) => random.NextDouble() < nulls ? null : value();

    private static void Append(ArrowBatchBuilder batch, object?[] row)
    {
        for (var i = 0; i < row.Length; i++)
        {
            switch (row[i])
            {
                case null: batch[i].AppendNull(); break;
                case int value: batch[i].Append(value); break;
                case long value: batch[i].Append(value); break;
                case double value: batch[i].Append(value); break;
                case string value: batch[i].Append(value); break;
                case bool value: batch[i].Append(value); break;
            }
        }
    }

    private static object? Cell(ArrowColumn column, int row) => column.IsNull(row) ? null : column.Type switch
    {
        ArrowType.Int32 => column.Int32(row),
        ArrowType.Int64 => column.Int64(row),
        ArrowType.Float64 => column.Float64(row),
        ArrowType.Bool => column.Bool(row),
        _ => column.Text(row),
    };

    private static byte[] Write(ArrowSchema schema, params object?[][][] batches)
    {
        var stream = new MemoryStream();
        var writer = new ArrowStreamWriter(stream, schema);
        var builder = new ArrowBatchBuilder(schema);
        foreach (var rows in batches)
        {
            builder.Clear();
            foreach (var row in rows) Append(builder, row);
            writer.Write(builder);
        }
        writer.Complete();
        return stream.ToArray();
    }

    private static List<object?[]> ReadAll(byte[] bytes)
    {
        var reader = new ArrowStreamReader(new MemoryStream(bytes));
        var rows = new List<object?[]>();
        while (reader.Read() is { } batch)
            for (var row = 0; row < batch.RowCount; row++) rows.Add([.. batch.Columns.Select(c => Cell(c, row))]);
        return rows;
    }

    [Fact]
    public void Cells_appended_at_once_are_those_appended_one_by_one()
    {
        var schema = new ArrowSchema(new ArrowField("number", ArrowType.Int64), new ArrowField("text", ArrowType.Utf8));
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (one, many) = (new ArrowBatchBuilder(schema), new ArrowBatchBuilder(schema));
            for (var part = 0; part < 6; part++)
            {
                var (count, text) = (random.Next(40), new byte[random.Next(5)]);
                Array.Fill(text, (byte)('a' + part));
                int[] numbers = [.. Enumerable.Range(0, count).Select(_ => random.Next(int.MinValue, int.MaxValue))];
                many[0].Append(numbers);
                many[1].Append(text, count);
                foreach (var number in numbers)
                {
                    one[0].Append((long)number);
                    one[1].Append(text.AsSpan());
                }
                if (random.Next(3) > 0) continue;
                foreach (var batch in (ReadOnlySpan<ArrowBatchBuilder>)[one, many])
                {
                    batch[0].AppendNull();
                    batch[1].AppendNull();
                }
            }
            Assert.Equal(one.LengthBytes, many.LengthBytes);
            Assert.Equal(Bytes(one), Bytes(many));
        }

        byte[] Bytes(ArrowBatchBuilder batch)
        {
            var stream = new MemoryStream();
            new ArrowStreamWriter(stream, schema).Write(batch);
            return stream.ToArray();
        }
    }

    [Fact]
    public void Reader_gives_back_what_the_writer_was_given()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var nulls = random.Next(3) * 0.4;
            var batches = Enumerable.Range(0, random.Next(4)).Select(_ => Enumerable.Range(0, random.Next(200)).Select(_ => RandomRow(random, nulls)).ToArray()).ToArray();
            var expected = batches.SelectMany(b => b).ToList();
            var actual = ReadAll(Write(Schema, batches));
            Assert.True(expected.Count == actual.Count, $"seed {seed}: {actual.Count} rows, not {expected.Count}");
            for (var i = 0; i < expected.Count; i++) Assert.True(expected[i].SequenceEqual(actual[i]), $"seed {seed}, row {i}");
        }
    }

    [Fact]
    public void Reader_gives_back_the_schema()
    {
        var read = new ArrowStreamReader(new MemoryStream(Write(Schema))).Schema;
        Assert.Equal(Schema.Fields, read.Fields);
    }

    [Fact]
    public void Every_message_body_and_buffer_starts_at_a_multiple_of_64()
    {
        var bytes = Write(Schema, [[1, 2L, 3.0, "abc", true, 4L], [null, null, null, null, null, 5L]]);
        var at = 0;
        var bodies = 0;
        while (BitConverter.ToInt32(bytes, at + 4) is var length and not 0)
        {
            Assert.Equal(-1, BitConverter.ToInt32(bytes, at));
            var kind = ArrowMetadata.ReadMessage(bytes.AsSpan(at + 8, length), out var header, out var bodyBytes);
            Assert.Equal(0, (at + 8 + length) % 64);
            Assert.Equal(0, bodyBytes % 64);
            if (kind == ArrowMetadata.Header.RecordBatch)
            {
                bodies++;
                for (var i = 0; i < header.Count(2, 16); i++) Assert.Equal(0, header.Word(2, 16, 2 * i) % 64);
            }
            at += 8 + length + (int)bodyBytes;
        }
        Assert.Equal(1, bodies);
        Assert.Equal(bytes.Length, at + 8);
    }

    [Fact]
    public void Bitmaps_are_padded_with_zeros_after_a_longer_batch()
    {
        var schema = new ArrowSchema(new ArrowField("flag", ArrowType.Bool));
        var full = Enumerable.Repeat(new object?[] { true }, 64).ToArray();
        var alone = Write(schema, [[true], [null]]);
        var after = Write(schema, full, [[true], [null]]);
        Assert.Equal(alone[^200..], after[^200..]);
    }

    [Fact]
    public void Numbers_appended_together_are_those_appended_one_by_one()
    {
        const int Seed = 20261130;
        var random = new Random(Seed);
        var schema = new ArrowSchema(new ArrowField("a", ArrowType.Int64), new ArrowField("b", ArrowType.Int64));
        var batch = new ArrowBatchBuilder(schema);
        for (var length = 0; length <= 256; length++)
        {
            batch.Clear();
            // Behind each other, and behind single and missing cells: every place in a byte of the bitmap.
            foreach (var part in new[] { random.Next(9), length, random.Next(70) })
            {
                int[] values = [.. Enumerable.Range(0, part).Select(_ => random.Next(int.MinValue, int.MaxValue))];
                batch[0].Append(values);
                foreach (var value in values) batch[1].Append((long)value);
                if (random.Next(2) == 0) continue;
                foreach (var column in new[] { batch[0], batch[1] }) column.AppendNull();
            }
            List<ReadOnlyMemory<byte>> together = [], single = [];
            batch[0].AddBuffers(together);
            batch[1].AddBuffers(single);
            Assert.True(together.Zip(single).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span)), $"seed {Seed}, length {length}");
            Assert.Equal((batch[1].RowCount, batch[1].NullCount), (batch[0].RowCount, batch[0].NullCount));
        }
    }

    [Fact]
    public void Writer_refuses_columns_of_different_length_and_values_of_another_type()
    {
        var builder = new ArrowBatchBuilder(Schema);
        builder[0].Append(1);
        var writer = new ArrowStreamWriter(new MemoryStream(), Schema);
        Assert.Throws<InvalidOperationException>(() => writer.Write(builder));
        Assert.Throws<InvalidOperationException>(() => builder[0].Append("text"));
        Assert.Throws<InvalidOperationException>(() => builder[3].Append(1));
        Assert.Throws<InvalidOperationException>(() => builder[5].AppendNull());
        Assert.Throws<OverflowException>(() => builder[0].Append(1L << 40));
    }

    [Fact]
    public void Reader_refuses_a_stream_that_ends_inside_a_message()
    {
        var bytes = Write(Schema, [[1, 2L, 3.0, "abc", true, 4L]]);
        var schemaEnd = 8 + BitConverter.ToInt32(bytes, 4);
        for (var length = 1; length < bytes.Length - 8; length++)
        {
            if (length == schemaEnd) continue; // a whole message: a stream may end there
            Assert.Throws<InvalidDataException>(() => ReadAll(bytes[..length]));
        }
    }

    [Fact]
    public void Reader_never_fails_otherwise_than_by_InvalidDataException_on_damaged_bytes()
    {
        var good = Write(Schema, [[1, 2L, 3.0, "abc", true, 4L], [null, null, null, "žluť", false, 5L]], [[7, 8L, 9.0, "", null, 1L]]);
        for (var seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var bytes = (byte[])good.Clone();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(bytes.Length - 4);
                if (random.Next(2) == 0) bytes[at] ^= (byte)(1 << random.Next(8));
                else BitConverter.TryWriteBytes(bytes.AsSpan(at), random.Next(5) switch { 0 => int.MaxValue, 1 => int.MinValue, 2 => -1, 3 => 0, _ => random.Next(2000) });
            }
            var failure = Record.Exception(() => ReadAll(bytes));
            Assert.True(failure is null or InvalidDataException, $"seed {seed}: {failure}");
        }
    }

    [Fact]
    public void Reader_takes_memory_only_as_bytes_arrive()
    {
        var bytes = Write(Schema);
        var schemaEnd = 8 + BitConverter.ToInt32(bytes, 4);
        var message = ArrowMetadata.BatchMessage(1, [], [], ArrowStreamReader.MaxBodyBytes).ToArray();
        byte[] claim = [.. bytes[..schemaEnd], 0xFF, 0xFF, 0xFF, 0xFF, .. BitConverter.GetBytes(message.Length), .. message, 1, 2, 3];
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => ReadAll(claim));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    private static string InteropFolder => Path.Combine(TestData.ProjectRoot, "tests", "interop");

    [NodeFact("apache-arrow")]
    public void Apache_arrow_for_JavaScript_reads_what_the_writer_wrote()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder["stream"], Write(Schema,
            [[1, 1L << 60, 0.1, "a\"ž", true, -1L], [null, null, null, null, null, 0L]], [], [[-5, -6L, double.Epsilon, "", false, 7L]]));
        var (exit, output, error) = Peer.RunIn(InteropFolder, "node", "arrow.mjs", "read", folder["stream"]);
        Assert.True(exit == 0, error);
        Assert.Equal(
        [
            """["i32:Int32:true","i64:Int64:true","f64:Float64:true","text:Utf8:true","flag:Bool:true","sure:Int64:false"]""",
            "[2,0,1]",
            """[1,"1152921504606846976n",0.1,"a\"ž",true,"-1n"]""",
            """[null,null,null,null,null,"0n"]""",
            """[-5,"-6n",5e-324,"",false,"7n"]""",
        ], output.TrimEnd('\n').Split('\n'));
    }

    [NodeFact("apache-arrow")]
    public void Apache_arrow_for_JavaScript_reads_a_file_by_its_footer()
    {
        using var folder = new TempFolder();
        using (var stream = File.Create(folder["file"]))
        {
            var writer = new ArrowFileWriter(stream, Schema);
            var batch = new ArrowBatchBuilder(Schema);
            Append(batch, [1, 2L, 0.5, "a", true, 3L]);
            writer.Write(batch);
            Append(batch, [null, null, null, null, null, 4L]);
            writer.Write(batch);
            writer.Complete();
        }
        var (exit, output, error) = Peer.RunIn(InteropFolder, "node", "arrow.mjs", "read", folder["file"]);
        Assert.True(exit == 0, error);
        Assert.Equal(
        [
            "[1,2]", """[1,"2n",0.5,"a",true,"3n"]""", """[1,"2n",0.5,"a",true,"3n"]""", """[null,null,null,null,null,"4n"]""",
        ], output.TrimEnd('\n').Split('\n')[1..]);
    }

    [NodeFact("apache-arrow")]
    public void Reader_reads_what_apache_arrow_for_JavaScript_wrote_plain_and_dictionary_text()
    {
        using var folder = new TempFolder();
        var (exit, _, error) = Peer.RunIn(InteropFolder, "node", "arrow.mjs", "write", folder["stream"]);
        Assert.True(exit == 0, error);
        var rows = ReadAll(File.ReadAllBytes(folder["stream"]));
        object?[][] once = [[1, 9007199254740993L, 0.1, "a", "x", true], [null, null, null, null, "y", null], [-3, -5L, -2.5e300, "žluťoučký", "x", false]];
        Assert.Equal([.. once, .. once], rows);
    }

    [Fact]
    public void A_flat_buffer_keeps_what_was_put_in()
    {
        var builder = new FlatBufferBuilder();
        var name = builder.String(new string('n', 3000));
        var words = builder.Structs([1, 2, 3, 4], 2);
        builder.StartTable(6);
        builder.Reference(0, name);
        builder.Byte(1, 200);
        builder.Int64(2, long.MinValue);
        builder.Reference(3, words);
        builder.Int16(5, -7);
        var table = FlatTable.Root(builder.Finish(builder.EndTable()));
        Assert.Equal(3000, Encoding.UTF8.GetByteCount(table.String(0)));
        Assert.Equal(200, table.Byte(1));
        Assert.Equal(long.MinValue, table.Int64(2));
        Assert.Equal(2, table.Count(3, 16));
        Assert.Equal(4, table.Word(3, 16, 3));
        Assert.False(table.Has(4));
        Assert.Equal(-7, table.Int16(5));
        Assert.Equal(9, table.Byte(17, 9));
    }
}
