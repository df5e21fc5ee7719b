using System.Text;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Sealing;
using Warehouse.Primitives;
using Xunit;

namespace Warehouse.Tests.Audit;

public sealed class SignedNoteTests
{
    private const string Known = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    private const string Text = "This is an example message.\n";
    private const string Signature = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";

    [Fact]
    public void A_note_that_another_implementation_signed_is_opened()
    {
        Assert.True(NoteKey.TryParse(Known, out var key));
        Assert.Equal(Known, key.ToString());
        Assert.True(SignedNote.TryOpen(Bytes($"{Text}\n\u2014 example.com/foo {Signature}\n"), key, out var text));
        Assert.Equal(Text, text);
        Assert.True(SignedNote.TryOpen(Bytes($"{Text}\n\u2014 somebody.else AAAAAAAA\n\u2014 example.com/foo {Signature}\n"), key, out _));
    }

    [Theory]
    [InlineData("This is another message.\n\n\u2014 example.com/foo " + Signature + "\n")]
    [InlineData(Text + "\n\u2014 example.com/bar " + Signature + "\n")]
    [InlineData(Text + "\n\u2014 example.com/foo " + Signature)]
    [InlineData(Text + "\u2014 example.com/foo " + Signature + "\n")]
    [InlineData(Text + "\n- example.com/foo " + Signature + "\n")]
    [InlineData(Text + "\n\u2014 example.com/foo Uw2QOkn8srU=\n")]
    [InlineData(Text + "\n\u2014 example.com/foo " + Signature + "\nmore\n")]
    [InlineData(Text + "\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQO=\n")] // the same bytes, spelled with bits behind the last
    [InlineData("\u0007" + Text + "\n\u2014 example.com/foo " + Signature + "\n")]
    public void What_is_not_that_note_is_refused(string note)
    {
        Assert.True(NoteKey.TryParse(Known, out var key));
        Assert.False(SignedNote.TryOpen(Bytes(note), key, out _));
    }

    [Theory]
    [InlineData("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    [InlineData("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    [InlineData("example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")]
    [InlineData("example.com/foo")]
    public void What_is_no_key_is_refused(string text) => Assert.False(NoteKey.TryParse(text, out _));

    [Fact]
    public void Every_changed_byte_of_a_checkpoint_is_noticed()
    {
        var (key, secret) = NewKey("log.example");
        var checkpoint = new Checkpoint("log.example", 1234, Digest.Of("x"u8));
        var note = SignedNote.Sign(checkpoint.Text(), key, secret);
        Assert.True(Checkpoint.TryOpen(note, key, out var opened));
        Assert.Equal(checkpoint, opened);
        for (var bit = 0; bit < note.Length * 8; bit++)
        {
            note[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Checkpoint.TryOpen(note, key, out _), $"bit {bit}");
            note[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory]
    [InlineData("log.example\n01\nLXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=\n")]
    [InlineData("log.example\n-1\nLXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=\n")]
    [InlineData("other.example\n1\nLXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=\n")]
    [InlineData("log.example\n1\nLXEWQrcmsEQBYnyp\n")]
    [InlineData("log.example\n1\n")]
    public void A_signed_text_that_is_no_checkpoint_is_refused(string text)
    {
        var (key, secret) = NewKey("log.example");
        Assert.False(Checkpoint.TryOpen(SignedNote.Sign(text, key, secret), key, out _));
    }

    private static (NoteKey Key, byte[] Secret) NewKey(string name)
    {
        var (publicKey, secret) = (new byte[Ed25519.PublicKeyBytes], new byte[Ed25519.SecretKeyBytes]);
        Ed25519.KeysOf(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), publicKey, secret);
        return (new NoteKey(name, publicKey), secret);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
