using System.Buffers.Binary;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Storage;
using Warehouse.Simulation.Fuzz;
using Xunit;

namespace Warehouse.Tests.Fuzz;

/// <summary>What mutation has found in the parsers of the store, each as the smallest input that showed it. Those of other parsers stand beside their tests.</summary>
public sealed class FoundTests
{
    private static readonly byte[] Largest = [0xff, 0xff, 0xff, 0xff, 0x07];

    [Fact]
    public void Numbers_of_a_stream_that_add_up_beyond_32_bits_are_damage()
    {
        Assert.Throws<InvalidDataException>(() => EvidenceTable.Decode([1, 1, .. Largest, 1, 0], 1));
        Assert.Throws<InvalidDataException>(() => SiteTableCodec.Decode([1, 2, 0, 0, .. Largest, .. Largest]));
        Assert.Throws<InvalidDataException>(() => CatalogCodec.Decode(part => part == "segments" ? [1, 1, 0, 2, .. Largest, .. Largest, 0, 0, 0] : null, page => page()));
    }

    [Fact]
    public void A_length_that_a_stream_claims_takes_no_memory()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte codec in (byte[])[0, 1]) Assert.Throws<InvalidDataException>(() => PackedStream.Unpack([codec, 0xff, 0xff, 0xff, 0xff, 0x03, 0, 0]));
        Assert.Throws<InvalidDataException>(() => CatalogCodec.Decode(part => part == "samples" ? [2, 0, .. Largest, 0, 0] : null, page => page()));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(long.MaxValue, 1)]
    [InlineData(90, 11)]
    [InlineData(0, 5)]
    public void A_block_that_lies_outside_its_segment_or_has_a_stream_twice_is_damage(long offset, int length)
    {
        var to = new ByteWriter();
        to.Raw([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        to.Var(2);
        for (var i = 0; i < 2; i++)
        {
            to.Byte(0);
            to.Var((ulong)offset);
            to.Var(length);
        }
        Assert.Throws<InvalidDataException>(() =>
        {
            var from = new ByteReader(to.Written);
            BlockInfo.Read(ref from, 100);
        });
    }

    [Fact]
    public void A_field_of_annotations_that_is_searched_for_and_is_no_text_is_damage()
    {
        var to = new ByteWriter();
        AnnotationFile.WriteFields(to, [new AnnotationField("N", AnnotationType.Integer, Terms: AnnotationTerms.Gene)]);
        Assert.Throws<InvalidDataException>(() =>
        {
            var from = new ByteReader(to.Written);
            AnnotationFile.ReadFields(ref from);
        });
    }

    [Fact]
    public void A_manifest_that_names_a_part_twice_or_a_time_that_cannot_be_is_damage()
    {
        var target = new KeyTargets().All().Single(t => t.Name == "manifest");
        var sound = target.Seeds[0];
        target.Run(sound);
        var part = sound[80..(80 + 1 + sound[80] + 72)];
        byte[] twice = [.. sound[..80], .. part, .. sound[80..]];
        BinaryPrimitives.WriteInt32LittleEndian(twice.AsSpan(72), BinaryPrimitives.ReadInt32LittleEndian(sound.AsSpan(72)) + 1);
        Assert.Contains("a part twice", Assert.Throws<DamagedStoreException>(() => target.Run(twice)).Message, StringComparison.Ordinal);
        var late = (byte[])sound.Clone();
        BinaryPrimitives.WriteInt64LittleEndian(late.AsSpan(32), -1);
        Assert.Contains("its time", Assert.Throws<DamagedStoreException>(() => target.Run(late)).Message, StringComparison.Ordinal);
    }
}
