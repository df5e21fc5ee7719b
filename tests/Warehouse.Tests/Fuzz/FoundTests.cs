using System.Buffers.Binary;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Coding;
using Warehouse.Engine.Events;
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

    [Fact]
    public void An_index_of_the_event_log_that_names_an_event_it_does_not_cover_is_damage()
    {
        var target = new EventTargets().All().Single(t => t.Name == "event-index");
        var sound = target.Seeds[0];
        target.Run(sound);
        foreach (var number in (long[])[0, -1, 4, long.MaxValue])
        {
            var other = (byte[])sound.Clone();
            BinaryPrimitives.WriteInt64LittleEndian(other.AsSpan(EventIndex.HeaderBytes + 8), number);
            Assert.Throws<DamagedStoreException>(() => EventIndex.Decode(other, 1, "index-x"));
        }
        // A number of pairs whose bytes are those that are there, but for 64 bits that they do not fit into.
        var count = (byte[])sound.Clone();
        count[63] |= 0x10;
        Assert.Throws<DamagedStoreException>(() => EventIndex.Decode(count, 1, "index-x"));
    }

    [Fact]
    public void A_time_or_a_number_of_items_of_an_alert_event_that_cannot_be_is_damage_and_takes_no_memory()
    {
        LoggedEvent Event(string kind, Action<ByteWriter> payload)
        {
            var to = new ByteWriter();
            payload(to);
            return new LoggedEvent { Number = 1, TimeUtc = DateTimeOffset.UnixEpoch, Actor = "a", ManifestVersion = 1, Kind = kind, Schema = 1, Payload = to.ToArray() };
        }

        foreach (var at in (long[])[long.MaxValue, long.MinValue]) Assert.Throws<InvalidDataException>(() => AlertCodec.Decode(Event("alerts/salt", to => to.Signed(at))));
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var kind in (string[])["alerts/care", "alerts/raised", "alerts/routed", "alerts/shown"])
            Assert.Throws<InvalidDataException>(() => AlertCodec.Decode(Event(kind, to =>
            {
                to.Signed(0);
                if (kind == "alerts/shown") to.Text("a");
                to.Var(1 << 20);
            })));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
    }

    [Fact]
    public void A_version_of_a_statement_beyond_32_bits_is_refused_and_not_made_another()
    {
        var target = ClinicTargets.All().Single(t => t.Name == "assessment");
        var line = System.Text.Encoding.UTF8.GetString(target.Seeds[0]);
        Assert.Contains("\"version\":3,", line, StringComparison.Ordinal);
        foreach (var version in (string[])["4294967299", "2147483648", "9223372036854775807"])
            Assert.Equal("assess-json", Assert.Throws<InputException>(() => OtherAssessment.Parse(System.Text.Encoding.UTF8.GetBytes(line.Replace("\"version\":3,", $"\"version\":{version},", StringComparison.Ordinal)))).Code);
    }

    [Theory]
    [InlineData("22>-1029-A-G")]
    [InlineData("2,-1029-A-G")]
    [InlineData("(22)-1029-A-G")]
    [InlineData("22-1029-A-A")]
    public void A_statement_on_an_allele_that_no_VCF_can_hold_is_refused(string allele)
    {
        var line = System.Text.Encoding.UTF8.GetString(ClinicTargets.All().Single(t => t.Name == "assessment").Seeds[0]);
        Assert.Equal("assess-json", Assert.Throws<InputException>(() => OtherAssessment.Parse(System.Text.Encoding.UTF8.GetBytes(line.Replace("\"22-1029-A-G\"", $"\"{allele}\"", StringComparison.Ordinal)))).Code);
    }
}
