using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Warehouse.Clinic.Alerts;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Notify;
using Warehouse.Server.Tests.Identity;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Notify;

/// <summary>F82: what waits to be sent is sent by every way, however long one is down and whatever stops in between.</summary>
public sealed class OutboxTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();

    public OutboxTests() => PrivateFolder.Open(_folder["state"]);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_note_is_tried_again_less_and_less_often_until_each_way_has_taken_it_once()
    {
        var (good, bad) = (new Way("a"), new Way("b") { IsDown = true });
        var note = NoteOf(1);
        using (var box = Open(good, bad))
        {
            box.Put(note);
            box.Put(note with { Entry = 99 }); // the same event again
            await box.SendDueAsync(default);
            Assert.Equal((1, 1, 1), (Assert.Single(good.Tried), Assert.Single(bad.Tried), box.Stuck));
            foreach (var pause in (double[])[5, 30, 120, 600, 1800, 3600, 3600])
            {
                _clock.Advance(pause - 1);
                await box.SendDueAsync(default);
                var before = bad.Tried.Count;
                _clock.Advance(1);
                await box.SendDueAsync(default);
                Assert.Equal((before + 1, 1), (bad.Tried.Count, good.Tried.Count));
            }
        }
        // Another process goes on where this one stopped, and a day later the way is up again.
        _clock.Advance(TimeSpan.FromHours(24));
        bad.IsDown = false;
        using (var box = Open(good, bad))
        {
            var told = new List<Note>();
            box.Delivered = told.Add;
            Assert.Equal((1, false), (box.Stuck, box.IsDelivered(note.Id)));
            await box.SendDueAsync(default);
            await box.SendDueAsync(default);
            Assert.Equal((0, true, 9, 1), (box.Stuck, box.IsDelivered(note.Id), bad.Tried.Count, good.Tried.Count));
            Assert.Equal(note.Id, Assert.Single(told).Id);
        }
        using var third = Open(good, bad);
        Assert.True(third.IsDelivered(note.Id));
    }

    /// <summary>A way that does not answer holds up no other, neither in a round nor in those that follow; what it has is sent once it goes on.</summary>
    [Fact]
    public async Task A_way_that_does_not_answer_holds_up_no_other()
    {
        var (fast, slow) = (new Way("a"), new Way("b") { Answers = new() });
        using var box = Open(slow, fast);
        box.Put(NoteOf(1));
        await box.SendDueAsync(default);
        box.Put(NoteOf(2));
        await box.SendDueAsync(default);
        Assert.Equal([1, 2], fast.Tried);
        Assert.Equal([1], slow.Tried);
        var told = new List<int>();
        box.Delivered = note => told.Add(note.Entry);
        slow.Answers!.SetResult();
        for (var round = 0; told.Count < 2; round++)
        {
            Assert.True(round < 100);
            await box.SendDueAsync(default);
        }
        Assert.Equal([1, 2], slow.Tried);
        Assert.Equal([1, 2], told);
        Assert.Equal([1, 2], fast.Tried);
    }

    [Fact]
    public async Task A_way_that_does_not_answer_is_given_up_when_the_server_stops()
    {
        var slow = new Way("b") { Answers = new() };
        using (var box = Open(slow))
        {
            box.Put(NoteOf(1));
            await box.SendDueAsync(default);
        }
        slow.Answers!.SetResult();
        using var next = Open(slow);
        await next.SendDueAsync(default);
        Assert.Equal([1, 1], slow.Tried);
        Assert.True(next.IsDelivered(NoteOf(1).Id));
    }

    [Fact]
    public async Task Without_a_way_notes_wait_and_that_is_known()
    {
        using (var box = Open())
        {
            box.Put(NoteOf(1));
            await box.SendDueAsync(default);
            Assert.Equal(1, box.Stuck);
        }
        var way = new Way("a");
        using var later = Open(way);
        await later.SendDueAsync(default);
        Assert.Equal((1, 0), (Assert.Single(way.Tried), later.Stuck));
    }

    [Fact]
    public void A_file_that_is_no_note_is_refused_and_what_a_stop_left_is_passed_over()
    {
        using (var box = Open()) box.Put(NoteOf(1));
        File.WriteAllText(Path.Combine(_folder["state"], "outbox", "half.new"), "x");
        Open().Dispose();
        File.WriteAllText(Path.Combine(_folder["state"], "outbox", new string('a', 32)), "{}");
        Assert.Equal("outbox", Assert.Throws<Engine.InputException>(() => Open()).Code);
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No Content", true)]
    [InlineData("HTTP/1.1 400 Bad Request", false)]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/", false)]
    public async Task A_webhook_gets_the_note_signed_and_only_2xx_takes_it(string status, bool isTaken)
    {
        using var listener = new Script();
        var request = listener.HttpAsync(status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        using var way = new WebhookSender(new WebhookConfiguration { Url = $"http://127.0.0.1:{listener.Port}/notes", SecretFile = Secret("0123456789abcdef0123456789abcdef\n"), IsTest = true }, new(), _clock);
        var note = NoteOf(7);
        if (isTaken) await way.SendAsync(note, default);
        else await Assert.ThrowsAsync<HttpRequestException>(() => way.SendAsync(note, default));
        var (head, body) = await request;
        Assert.StartsWith("POST /notes HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Equal(note, Note.FromJson(body) with { AuditEntries = note.AuditEntries });
        var stamp = _clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        Assert.Contains($"webhook-id: {note.Id}\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"webhook-timestamp: {stamp}\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"webhook-signature: {SignedPost.Sign("0123456789abcdef0123456789abcdef"u8, note.Id, stamp, body)}\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public void The_signature_covers_id_time_and_body()
    {
        var all = new[] { ("i", "1", "b"), ("j", "1", "b"), ("i", "2", "b"), ("i", "1", "c") }.Select(p => SignedPost.Sign("key"u8, p.Item1, p.Item2, Encoding.ASCII.GetBytes(p.Item3))).ToList();
        Assert.Equal(4, all.Distinct().Count());
        Assert.Equal("v1," + Convert.ToBase64String(System.Security.Cryptography.HMACSHA256.HashData("key"u8, "i.1.b"u8)), all[0]);
    }

    [Theory]
    [InlineData("webhook-secret", "notify")]
    [InlineData("webhook-secret", "alerts")]
    [InlineData("mail", "addresses")]
    [InlineData("no-folder", "tasks")]
    [InlineData("drop-in-store", "communications")]
    public void Both_kinds_of_messages_are_held_to_the_same_rules(string code, string which)
    {
        var webhook = new WebhookConfiguration { Url = "https://example.org", SecretFile = Secret("0123456789abcdef0123456789abcde\r\n") };
        Directory.CreateDirectory(_folder["store/inside"]);
        var configuration = which switch
        {
            "notify" => new ServerConfiguration { Notify = new() { Webhook = webhook } },
            "alerts" => new ServerConfiguration { Alerts = new() { Webhook = webhook } },
            "addresses" => new ServerConfiguration { Alerts = new() { Addresses = new Dictionary<string, string> { ["cert:ann"] = "ann@example.org" } } },
            "tasks" => new ServerConfiguration { Alerts = new() { FhirTasks = _folder["none"] } },
            _ => new ServerConfiguration { Alerts = new() { FhirCommunications = _folder["store/inside"] } },
        };
        Assert.Equal(code, Assert.Throws<Engine.InputException>(() => ConfigurationCheck.Check(configuration, _folder["store"])).Code);
    }

    [Theory]
    [InlineData("250 relay", "220 go on")] // offers no TLS
    [InlineData("250-relay\r\n250 STARTTLS", "220 go on\r\n250 injected")]
    [InlineData("250-relay\r\n250 STARTTLS", "454 not now")]
    public async Task A_mail_is_not_sent_in_the_clear_whatever_a_relay_says(string greeting, string toTls)
    {
        using var listener = new Script();
        var hearing = listener.SayAsync("220 relay", greeting, toTls);
        var way = new MailSender(new MailConfiguration { Host = "127.0.0.1", Port = listener.Port, From = "warehouse@example.org", To = ["one@example.org"] }, new());
        await Assert.ThrowsAsync<IOException>(() => way.SendAsync(NoteOf(12), default));
        Assert.DoesNotContain("MAIL", await hearing, StringComparison.Ordinal);
    }

    /// <summary>However far it came: it has its time, no other way waits for it, and the note is not taken and tried again.</summary>
    [Theory]
    [InlineData(0)] // takes the connection
    [InlineData(1)] // greets
    [InlineData(3)] // agrees to TLS
    public async Task A_relay_that_falls_silent_is_left_after_a_time_and_holds_up_no_other_way(int lines)
    {
        var (clock, other, silent) = (new HeldClock(MailRelay.AnswerWithin), new Way("a"), new TaskCompletionSource());
        using var log = new TestLog();
        using var listener = new Script();
        var hearing = listener.FallSilentAsync(silent.SetResult, [.. ((string[])["220 relay", "250-relay\r\n250 STARTTLS", "220 go on"]).Take(lines)]);
        var mail = new MailSender(new MailConfiguration { Host = "127.0.0.1", Port = listener.Port, From = "warehouse@example.org", To = ["one@example.org"] }, new(), clock);
        using var box = new Outbox(_folder["state"], [mail, other], clock, log.Lines.Server);
        box.Put(NoteOf(1));
        await box.SendDueAsync(default);
        await silent.Task;
        box.Put(NoteOf(2));
        await box.SendDueAsync(default);
        Assert.Equal([1, 2], other.Tried);
        Assert.Equal((0, false), (box.Stuck, hearing.IsCompleted)); // not given up: its time is not over
        clock.Fire();
        await log.WaitAsync("\"NoteNotTaken\"", "\"tries\":1").WaitAsync(MailRelay.AnswerWithin / 2); // by that clock, not by the machine's
        await hearing;
        Assert.Equal((1, false), (box.Stuck, box.IsDelivered(NoteOf(1).Id)));
        Assert.Equal([1, 2], other.Tried);
    }

    [Fact]
    public async Task A_drop_has_whole_files()
    {
        Directory.CreateDirectory(_folder["drop"]);
        await new FileDrop(_folder["drop"]).SendAsync(NoteOf(3), default);
        Assert.Equal(NoteOf(3).Id + ".json", Path.GetFileName(Assert.Single(Directory.GetFiles(_folder["drop"]))));
        Assert.Equal(3, Note.FromJson(File.ReadAllBytes(Directory.GetFiles(_folder["drop"])[0])).Entry);
    }

    [Theory]
    [InlineData("webhook-clear", "http://example.org/x", null)]
    [InlineData("webhook", "nonsense", null)]
    [InlineData("mail-clear", null, "mail.example.org")]
    public void Ways_that_are_not_safe_are_refused(string code, string? url, string? host)
    {
        var notify = new NotifyConfiguration
        {
            Webhook = url is null ? null : new() { Url = url, SecretFile = Secret("0123456789abcdef0123456789abcdef"), IsTest = true },
            Mail = host is null ? null : new() { Host = host, IsClear = true, From = "a@example.org", To = ["b@example.org"] },
        };
        Assert.Equal(code, Assert.Throws<Engine.InputException>(() => ConfigurationCheck.Check(new ServerConfiguration { Notify = notify }, _folder["store"])).Code);
    }

    [Fact]
    public void A_short_secret_of_a_webhook_is_refused() => Assert.Equal("webhook-secret", Assert.Throws<Engine.InputException>(() => ConfigurationCheck.Check(
        new ServerConfiguration { Notify = new() { Webhook = new() { Url = "https://example.org", SecretFile = Secret("0123456789abcdef0123456789abcde\n") } } }, _folder["store"])).Code);

    private Outbox Open(params INoteSender[] ways) => new(_folder["state"], ways, _clock, NullLogger.Instance);

    private Note NoteOf(int entry) => new() { Id = entry.ToString("x32", CultureInfo.InvariantCulture), Topic = NoteTopic.BreakGlass, MadeUtc = _clock.GetUtcNow(), Entry = entry, DueUtc = _clock.GetUtcNow().AddHours(72) };

    private string Secret(string text)
    {
        PrivateFolder.WriteFile(_folder["secret"], Encoding.ASCII.GetBytes(text));
        return _folder["secret"];
    }

    private sealed class Way(string name) : INoteSender
    {
        public string Name => name;

        public bool IsDown { get; set; }

        public List<int> Tried { get; } = [];

        /// <summary>When it answers; null = at once.</summary>
        public TaskCompletionSource? Answers { get; init; }

        public async Task SendAsync(Note note, CancellationToken stop)
        {
            Tried.Add(note.Entry);
            if (Answers is { } answers) await answers.Task.WaitAsync(stop);
            await (IsDown ? Task.FromException(new HttpRequestException("down")) : Task.CompletedTask);
        }
    }

    /// <summary>A server of one connection that says what it is told to.</summary>
    private sealed class Script : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public Script() => _listener.Start();

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public async Task<(string Head, byte[] Body)> HttpAsync(string answer)
        {
            using var client = await _listener.AcceptTcpClientAsync();
            var (stream, bytes) = (client.GetStream(), new List<byte>());
            var end = -1;
            while (true)
            {
                if (end < 0) end = Encoding.ASCII.GetString([.. bytes]).IndexOf("\r\n\r\n", StringComparison.Ordinal);
                if (end >= 0)
                {
                    var head = Encoding.ASCII.GetString([.. bytes], 0, end + 2);
                    var length = int.Parse(head.Split("\r\n").Single(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))[15..], CultureInfo.InvariantCulture);
                    if (bytes.Count >= end + 4 + length)
                    {
                        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
                        return (head, [.. bytes.Skip(end + 4)]);
                    }
                }
                var more = new byte[4096];
                var read = await stream.ReadAsync(more);
                if (read == 0) throw new EndOfStreamException();
                bytes.AddRange(more.AsSpan(0, read));
            }
        }

        /// <summary>Says each line in its turn, whatever it hears; returns what that was.</summary>
        public async Task<string> SayAsync(params string[] lines)
        {
            using var client = await _listener.AcceptTcpClientAsync();
            var said = new StringBuilder();
            try
            {
                foreach (var line in lines)
                {
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
                    said.Append(await LineAsync(client.GetStream())).Append('\n');
                }
            }
            catch (IOException)
            {
                // The other side has gone.
            }
            return said.ToString();
        }

        /// <summary>Says each line in its turn, and nothing more, until the other side has gone.</summary>
        public async Task FallSilentAsync(Action silent, params string[] lines)
        {
            using var client = await _listener.AcceptTcpClientAsync();
            foreach (var (i, line) in lines.Index())
            {
                if (i > 0) await LineAsync(client.GetStream());
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"));
            }
            silent();
            try
            {
                while (await client.GetStream().ReadAsync(new byte[4096]) > 0)
                {
                }
            }
            catch (IOException)
            {
                // It has gone without a word.
            }
        }

        /// <summary>A line, or what came before the end.</summary>
        private static async Task<string> LineAsync(Stream stream)
        {
            var (line, one) = (new StringBuilder(), new byte[1]);
            while (await stream.ReadAsync(one) > 0 && one[0] != '\n') line.Append((char)one[0]);
            return line.ToString().TrimEnd('\r');
        }

        public void Dispose() => _listener.Dispose();
    }
}
