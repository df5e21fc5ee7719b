using System.Globalization;
using System.Text.Json;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Server.Notify;
using Warehouse.Server.Tests.Identity;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Notify;

/// <summary>Mail, by a relay that is not ours.</summary>
public sealed class MailRelayTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FakeClock _clock = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Sent again, it is the same mail: a receiver knows it by its id.</summary>
    [SmtpTheory]
    [InlineData("clear", null)]
    [InlineData("starttls", SmtpServer.Account)]
    [InlineData("tls", SmtpServer.Account)]
    public async Task One_mail_goes_to_all_with_nothing_but_numbers(string mode, string? login)
    {
        using var server = SmtpServer.Open(mode);
        var way = new MailSender(server.Configuration, new());
        var note = NoteOf(12) with { Calls = 3, Rows = 4, AuditEntries = [5, 6] };
        for (var time = 0; time < 2; time++)
        {
            await way.SendAsync(note, default);
            var taken = await server.TakenAsync();
            Assert.Equal((login, login is null), (taken.GetProperty("login").GetString(), taken.GetProperty("tls").GetString() is null));
            Assert.Equal(("warehouse@example.org", "one@example.org two@example.org"), (taken.GetProperty("from").GetString(), Receivers(taken)));
            var text = taken.GetProperty("text").GetString()!;
            Assert.Contains("\r\nSubject: Break-glass, entry 12: review it\r\n", "\r\n" + text, StringComparison.Ordinal);
            Assert.Contains($"Message-Id: <{note.Id}@variant-warehouse.invalid>\r\n", text, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("From: warehouse@example.org\r\n", text, StringComparison.Ordinal);
            Assert.EndsWith(note.ToText(), text, StringComparison.Ordinal);
        }
        Assert.Empty(server.Stop());
    }

    [SmtpFact]
    public async Task A_line_that_is_a_point_does_not_end_a_mail()
    {
        using var server = SmtpServer.Open("starttls");
        await new MailRelay(server.Configuration, new()).SendAsync(new("id", "points", "one\r\n.\r\n..\r\n.two\r\n", ["one@example.org"], _clock.GetUtcNow()), default);
        Assert.EndsWith("\r\n\r\none\r\n.\r\n..\r\n.two\r\n", (await server.TakenAsync()).GetProperty("text").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The relay of a hospital has a certificate of the hospital's authority, which the system does not know.</summary>
    [SmtpTheory]
    [InlineData("starttls")]
    [InlineData("tls")]
    public async Task A_relay_whose_certificate_is_not_taken_is_told_nothing(string mode)
    {
        using (var server = SmtpServer.Open(mode))
        {
            foreach (var authorities in (string?[])[server.OtherAuthority, null]) await Refused(server, server.Configuration with { Authorities = authorities });
            Assert.Empty(server.Stop());
        }
        using (var otherName = SmtpServer.Open(mode, "relay.test")) await Refused(otherName, otherName.Configuration);
        using (var ended = SmtpServer.Open(mode, made: DateTimeOffset.UtcNow.AddDays(-30))) await Refused(ended, ended.Configuration);

        static async Task Refused(SmtpServer server, MailConfiguration mail)
        {
            var said = await Assert.ThrowsAsync<IOException>(() => new MailSender(mail, new()).SendAsync(NoteOf(12), default));
            Assert.IsType<MailKit.Security.SslHandshakeException>(said.InnerException);
        }
    }

    /// <summary>None of these goes on in clear text, or without a login.</summary>
    [SmtpFact]
    public async Task A_relay_that_speaks_another_way_or_does_not_let_us_in_gets_no_mail()
    {
        using (var clear = SmtpServer.Open("clear"))
        {
            foreach (var first in (bool?[])[null, true]) await NotTaken(clear.Configuration with { IsClear = false, IsTlsFirst = first });
            var secret = _folder["secret"];
            PrivateFolder.WriteFile(secret, "a password of a test"u8);
            await NotTaken(clear.Configuration with { Account = "warehouse", PasswordFile = secret });
            Assert.Empty(clear.Stop());
        }
        using var server = SmtpServer.Open("starttls");
        await NotTaken(server.Configuration with { IsClear = true, Account = null });
        await NotTaken(server.Configuration with { Account = null });
        await NotTaken(server.Configuration with { PasswordFile = server.WrongPassword });
        await NotTaken(server.Configuration with { Account = "stranger" });
        Assert.Empty(server.Stop());

        static Task NotTaken(MailConfiguration mail) => Assert.ThrowsAsync<IOException>(() => new MailSender(mail, new()).SendAsync(NoteOf(12), default));
    }

    [SmtpTheory]
    [InlineData(451)]
    [InlineData(550)]
    public async Task A_mail_is_taken_for_all_or_not_at_all(int code)
    {
        using var server = SmtpServer.Open("tls");
        var way = new MailSender(server.Configuration with { To = ["one@example.org", string.Create(CultureInfo.InvariantCulture, $"{code}@example.org")] }, new());
        var said = await Assert.ThrowsAsync<MessageRefusedException>(() => way.SendAsync(NoteOf(12), default)); // others it would take
        Assert.Equal($"the mail relay answered {code}", said.Message);
        Assert.Empty(server.Stop());
    }

    [SmtpFact]
    public async Task A_relay_that_does_not_answer_is_left_when_the_server_stops()
    {
        using var server = SmtpServer.Open("clear");
        using var stop = new CancellationTokenSource();
        var sending = new MailSender(server.Configuration with { To = ["silent@example.org"] }, new()).SendAsync(NoteOf(12), stop.Token);
        await server.TakenAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    /// <summary>Of what the relay said, which may name people, the log has nothing.</summary>
    [SmtpFact]
    public async Task A_note_waits_in_the_outbox_until_the_relay_takes_it_and_the_log_names_nobody()
    {
        using var server = SmtpServer.Open("starttls");
        using var log = new TestLog();
        PrivateFolder.Open(_folder["state"]);
        var (note, refused) = (NoteOf(12), server.Configuration with { To = ["550@example.org"] });
        using (var box = new Outbox(_folder["state"], [new MailSender(refused, new())], _clock, log.Lines.Server))
        {
            box.Put(note);
            await box.SendDueAsync(default);
            await log.WaitAsync("\"NoteNotTaken\"", "\"tries\":1");
            Assert.Equal((1, false), (box.Stuck, box.IsDelivered(note.Id)));
        }
        Assert.Empty(server.Stop());
        using (var box = new Outbox(_folder["state"], [new MailSender(server.Configuration, new())], _clock, log.Lines.Server))
        {
            _clock.Advance(5);
            await box.SendDueAsync(default); // nobody listens
            await log.WaitAsync("\"NoteNotTaken\"", "\"tries\":2");
            Assert.Equal((1, false), (box.Stuck, box.IsDelivered(note.Id)));
            server.Again();
            _clock.Advance(30);
            var delivered = new TaskCompletionSource<Note>(TaskCreationOptions.RunContinuationsAsynchronously);
            box.Delivered = delivered.SetResult;
            await box.SendDueAsync(default); // which waits for a relay only so long
            Assert.Equal(note.Id, (await delivered.Task).Id);
            Assert.Equal((0, true), (box.Stuck, box.IsDelivered(note.Id)));
        }
        Assert.Contains(note.Id, (await server.TakenAsync()).GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(log.All, l => l.Contains("example", StringComparison.OrdinalIgnoreCase) || l.Contains("relay answered", StringComparison.Ordinal) || l.Contains("127.0.0.1", StringComparison.Ordinal));
    }

    /// <summary>Of an alert a mail has an id, the grade and a number; somebody without an address of his own is told by the receivers of the relay.</summary>
    [SmtpFact]
    public async Task A_message_about_an_alert_goes_to_the_address_of_its_recipient_or_to_whoever_is_there_for_all()
    {
        using var server = SmtpServer.Open("starttls");
        var alerts = new AlertConfiguration { Mail = server.Configuration with { To = ["desk@example.org"] }, Addresses = new Dictionary<string, string> { ["cert:ann"] = "ann@example.org" } };
        var ids = new HashSet<string>();
        foreach (var (who, to, says) in ((string, string, bool)[])[("cert:ann", "ann@example.org", false), ("cert:ben", "desk@example.org", true)])
        {
            new AlertMail(alerts, new()).Send(new AlertMessage("0123456789abcdef0123", who, Grade.Critical, 1, _clock.GetUtcNow()));
            var taken = await server.TakenAsync();
            var text = taken.GetProperty("text").GetString()!;
            Assert.Equal(to, Receivers(taken));
            Assert.Contains("Subject: Alerts: one waits, critical\r\n", text, StringComparison.Ordinal);
            Assert.Contains("id 0123456789abcdef0123\r\n", text, StringComparison.Ordinal);
            Assert.Equal(says, text.Contains("for cert:ben\r\n", StringComparison.Ordinal));
            Assert.True(ids.Add(text.Split("\r\n").Single(l => l.StartsWith("Message-Id:", StringComparison.OrdinalIgnoreCase))));
        }
        server.Stop();
        Assert.Throws<IOException>(() => new AlertMail(alerts, new()).Send(new AlertMessage("0123456789abcdef0123", "cert:ann", Grade.Minor, 2, _clock.GetUtcNow())));
    }

    private static string Receivers(JsonElement taken) => string.Join(' ', taken.GetProperty("to").EnumerateArray().Select(t => t.GetString()));

    private static Note NoteOf(int entry) => new() { Id = entry.ToString("x32", CultureInfo.InvariantCulture), Topic = NoteTopic.BreakGlass, MadeUtc = DateTimeOffset.UtcNow, Entry = entry };
}
