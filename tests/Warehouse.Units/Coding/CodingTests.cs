using System.Numerics;
using Warehouse.Engine.Coding;
using Xunit;

namespace Warehouse.Units.Coding;

/// <summary>What a writer of small records wrote is read back, and whatever else stands there is refused.</summary>
public sealed class CodingTests
{
    private static readonly ulong[] Edges = [0, 1, 127, 128, 129, 16_383, 16_384, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 56, 1UL << 62, 1UL << 63, ulong.MaxValue];

    [Fact]
    public void Numbers_come_back_in_as_few_bytes_as_seven_bits_a_byte_need()
    {
        foreach (var value in Edges)
        {
            var to = new ByteWriter(16);
            to.Var(value);
            Assert.Equal(value == 0 ? 1 : (BitOperations.Log2(value) / 7) + 1, to.Length);
            var from = new ByteReader(to.Written);
            Assert.Equal(value, from.Var());
            from.End();
        }
        foreach (var value in (long[])[0, 1, -1, 63, -64, 64, int.MinValue, int.MaxValue, long.MinValue, long.MaxValue])
        {
            var to = new ByteWriter(16);
            to.Signed(value);
            to.Int64(value);
            Assert.Equal(value is >= -64 and < 64 ? 9 : Math.Max(9, to.Length), to.Length);
            var from = new ByteReader(to.Written);
            Assert.Equal((value, value, 0), (from.Signed(), from.Int64(), from.Remaining));
        }
    }

    [Fact]
    public void Mixed_records_come_back_however_often_the_writer_has_to_grow()
    {
        for (var seed = 1; seed <= 50; seed++)
        {
            var dice = new Random(seed);
            var to = new ByteWriter(dice.Next(40));
            var wanted = new List<object>();
            for (var i = 0; i < 60; i++) Write(dice, to, wanted);
            var from = new ByteReader(to.ToArray());
            foreach (var value in wanted)
            {
                object found = value switch
                {
                    bool => from.Bool(), byte => from.Byte(), int => from.Int32(), long => from.Int64(), string => from.Text(), byte[] => from.Bytes().ToArray(), _ => from.Var(),
                };
                Assert.True(value is byte[] bytes ? bytes.SequenceEqual((byte[])found) : value.Equals(found), $"seed {seed}: {value} became {found}");
            }
            from.End();
            to.Clear();
            Assert.Equal(0, to.Length);
        }
    }

    [Fact]
    public void A_writer_starts_no_smaller_than_16_bytes_and_refuses_negative_counts()
    {
        var to = new ByteWriter(0);
        Assert.Equal(20, to.Take(20).Length);
        Assert.Equal(20, to.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => to.Var(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => to.Vars([3, -1]));
    }

    [Fact]
    public void What_is_no_record_is_refused_with_what_is_wrong()
    {
        Refused("ends too early", () => new ByteReader([]).Byte());
        Refused("ends too early", () => new ByteReader([1, 2, 3]).Int32());
        Refused("ends too early", () => new ByteReader([1]).Raw(-1));
        Refused("ends too early", () => new ByteReader([0x80]).Var());
        Refused("ends too early", () => new ByteReader([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).Var());
        Refused("too long", () => new ByteReader([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]).Var());
        Refused("neither 0 nor 1", () => new ByteReader([2]).Bool());
        Refused("too large", () => new ByteReader([5]).Count(4));
        Assert.Equal(5, new ByteReader([5]).Count(5));
        Refused("too large", () => new ByteReader([4, 1, 2]).Bytes());
        Refused("ends too early", () => new ByteReader([3, 1, 2]).Bytes());
        Refused("after its end", () => new ByteReader([0]).End());
        Refused("out of range", () => new ByteReader([0x80, 0x80, 0x80, 0x80, 0x10]).SignedInt32());
        Assert.Equal(int.MinValue, new ByteReader([0xff, 0xff, 0xff, 0xff, 0x0f]).SignedInt32());
        Assert.Equal(int.MaxValue, ByteReader.Sum(1, int.MaxValue - 1));
        Assert.Equal(7, ByteReader.Sum(7, 0));
        Refused("out of range", () => ByteReader.Sum(1, int.MaxValue));
    }

    [Fact]
    public void A_reader_knows_where_it_is()
    {
        var from = new ByteReader([1, 2, 3, 4]);
        Assert.Equal((0, 4), (from.Position, from.Remaining));
        Assert.Equal([1, 2], from.Raw(2).ToArray());
        Assert.Equal((2, 2), (from.Position, from.Remaining));
        Assert.Equal([3, 4], from.Rest.ToArray());
        Assert.True(from.Raw(0).IsEmpty);
    }

    /// <summary>Runs of counts against reading them one by one, at every length around the sixteen that are widened at once.</summary>
    [Fact]
    public void Runs_of_counts_are_read_as_one_by_one()
    {
        for (var seed = 7801; seed <= 7830; seed++)
        {
            var dice = new Random(seed);
            var (limit, longer) = (new[] { 5, 126, 127, 128, 300_000, int.MaxValue }[dice.Next(6)], dice.Next(1, 60));
            for (var length = 0; length <= 70; length += dice.Next(1, 4))
            {
                var values = Enumerable.Range(0, length).Select(_ => Math.Min(limit, dice.Next(longer) == 0 ? dice.Next() >> dice.Next(31) : dice.Next(128))).ToArray();
                var to = new ByteWriter(16);
                foreach (var value in values) to.Var(value);
                byte[] bytes = [.. to.Written, .. Enumerable.Repeat((byte)0xff, dice.Next(3) * 9)];
                var from = new ByteReader(bytes);
                var read = new int[length];
                from.Counts(read, limit);
                Assert.Equal(values, read);
                Assert.Equal(to.Length, from.Position);
                if (length == 0) continue;
                Refused("early", () => new ByteReader(bytes.AsSpan(0, to.Length - 1)).Counts(new int[length], limit));
                if (values.Max() > 0) Refused("too large", () => new ByteReader(bytes).Counts(new int[length], values.Max() - 1));
            }
        }
    }

    [Fact]
    public void Columns_of_numbers_are_read_and_passed_over_as_one_by_one()
    {
        for (var seed = 7901; seed <= 7920; seed++)
        {
            var dice = new Random(seed);
            var longer = dice.Next(1, 40);
            for (var length = 0; length <= 50; length++)
            {
                var values = Enumerable.Range(0, length).Select(_ => dice.Next(longer) > 0 ? dice.Next(128) : dice.Next(3) == 0 ? dice.Next() : dice.Next(128, 16_500)).ToArray();
                var to = new ByteWriter(16);
                foreach (var value in values) to.Var(value);
                byte[] bytes = [.. to.Written, .. Enumerable.Repeat((byte)dice.Next(256), dice.Next(4) * 6)];
                var read = new int[length];
                Assert.Equal(to.Length, VarColumn.Read(bytes, read));
                Assert.True(values.AsSpan().SequenceEqual(read), $"seed {seed}, {length} values");
                Assert.Equal(to.Length, VarColumn.Skip(bytes, length));
                if (length == 0) continue;
                Refused("early", () => VarColumn.Read(bytes.AsSpan(0, to.Length - 1), new int[length]));
                Refused("early", () => VarColumn.Skip(bytes.AsSpan(0, to.Length - 1), length));
            }
        }
        Refused("too large", () => VarColumn.Read([0x80, 0x80, 0x80, 0x80, 0x08], new int[1]));
        Refused("early", () => VarColumn.Read([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x80], new int[16])); // a longer number begins in the last byte
    }

    private static void Write(Random dice, ByteWriter to, List<object> wanted)
    {
        switch (dice.Next(7))
        {
            case 0: wanted.Add(dice.Next(2) == 0); to.Bool((bool)wanted[^1]); break;
            case 1: wanted.Add((byte)dice.Next(256)); to.Byte((byte)wanted[^1]); break;
            case 2: wanted.Add(dice.Next(int.MinValue, int.MaxValue)); to.Int32((int)wanted[^1]); break;
            case 3: wanted.Add(dice.NextInt64(long.MinValue, long.MaxValue)); to.Int64((long)wanted[^1]); break;
            case 4: wanted.Add(new string('é', dice.Next(40)) + "x"); to.Text((string)wanted[^1]); break;
            case 5:
                var bytes = new byte[dice.Next(300)];
                dice.NextBytes(bytes);
                wanted.Add(bytes);
                to.Bytes(bytes);
                break;
            default: wanted.Add((ulong)dice.NextInt64() >> dice.Next(64)); to.Var((ulong)wanted[^1]); break;
        }
    }

    private static void Refused(string reason, Action read) => Assert.Contains(reason, Assert.Throws<InvalidDataException>(read).Message, StringComparison.Ordinal);
}
