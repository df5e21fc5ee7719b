using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Simulation;
using Xunit;

namespace Warehouse.Units.Clinic;

/// <summary>Ways out: what leaves the house, and that it says nothing of anybody.</summary>
public sealed class AlertWayTests
{
    private static readonly AlertMessage Message = new("0123456789abcdef0123", AlertWorld.Ann, Grade.Critical, 1, new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_message_is_a_resource_in_a_file_that_appears_whole_and_once(bool asTask)
    {
        var disk = new SimDisk(new SimMachine());
        var way = new FhirFolderWay(disk, asTask);
        way.Send(Message);
        way.Send(Message);
        var name = Assert.Single(disk.AllFiles());
        using var document = JsonDocument.Parse(disk.Peek(name));
        var root = document.RootElement;
        Assert.Equal((asTask ? "Task" : "Communication", asTask ? "requested" : "preparation", "asap"), (Text("resourceType"), Text("status"), Text("priority")));
        Assert.Equal(Message.Id, root.GetProperty("identifier")[0].GetProperty("value").GetString());
        Assert.Equal(AlertWorld.Ann, (asTask ? root.GetProperty("owner") : root.GetProperty("recipient")[0]).GetProperty("identifier").GetProperty("value").GetString());
        Assert.Equal("2026-03-01T12:00:00Z", Text(asTask ? "authoredOn" : "sent"));
        Assert.Matches("^[A-Za-z0-9.-]{1,64}$", Text("id")!);
        way.Send(Message with { Recipient = AlertWorld.Ben });
        way.Send(Message with { Mark = "told again" });
        new FhirFolderWay(disk, !asTask).Send(Message);
        Assert.Equal(4, disk.AllFiles().Count);

        string? Text(string member) => root.GetProperty(member).GetString();
    }

    /// <summary>I6: what the messages of a whole history hold, byte by byte.</summary>
    [Fact]
    public void No_message_names_a_person_a_sample_or_an_allele()
    {
        using var world = new AlertWorld();
        world.Load("sample\tperson\nSAMPLEX\tPERSONX\n", ("SAMPLEX", "11"));
        world.Append(new CareSet([new CareRow("PERSONX", AlertWorld.Ann, [])]), new WatchSet(new Watch { Name = "WATCHX" }));
        world.Grant(AlertWorld.Ann, "SAMPLEX");
        world.Accept("2026-01-01", AlertWorld.Entry(1, "Benign", gene: "GENEX"), AlertWorld.Entry(2, "Benign"));
        world.Accept("2026-02-01", AlertWorld.Entry(1, "Pathogenic", gene: "GENEX"), AlertWorld.Entry(2, "Pathogenic"));
        world.Run(new FhirFolderWay(world.Machine.Disks[2], asTask: false), new FhirFolderWay(world.Machine.Disks[2], asTask: true));
        var files = world.Machine.Disks[2].AllFiles();
        Assert.True(files.Count >= 2);
        foreach (var text in files.Select(f => f + Encoding.UTF8.GetString(world.Machine.Disks[2].Peek(f))))
            Assert.All(new[] { "SAMPLEX", "PERSONX", "WATCHX", "GENEX", "1-100", "athogenic" }, token => Assert.DoesNotContain(token, text, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_webhook_is_signed_and_only_an_answer_of_success_takes_a_message_on()
    {
        var secret = Encoding.ASCII.GetBytes("a secret of thirty-two bytes or so");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/hook");
        using var way = new WebhookWay(address, secret);
        foreach (var (status, isTaken) in new[] { (204, true), (302, false), (400, false), (401, false), (404, false), (408, false), (410, false), (413, false), (422, false), (429, false), (500, false) })
        {
            var answered = AnswerAsync(listener, status);
            var sent = Task.Run(() => Record.Exception(() => way.Send(Message)));
            var (head, body) = await answered;
            Assert.Equal(isTaken, await sent is null);
            if (!isTaken) Assert.IsType(status is 400 or 413 or 422 ? typeof(MessageRefusedException) : typeof(IOException), await sent);
            Assert.Contains($"webhook-id: {Message.Identity}\r\nwebhook-timestamp: {Message.SentUtc.ToUnixTimeSeconds()}\r\nwebhook-signature: v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes($"{Message.Identity}.{Message.SentUtc.ToUnixTimeSeconds()}.{body}")))}", head);
            Assert.Equal($$"""{"id":"{{Message.Id}}","recipient":"{{AlertWorld.Ann}}","grade":"critical","alerts":1,"selfTest":false}""", body);
        }
        listener.Stop();
        Assert.IsType<IOException>(Record.Exception(() => way.Send(Message)));
        Assert.Throws<ArgumentException>(() => new WebhookWay(new Uri("http://example.org/"), secret));
        Assert.Throws<ArgumentException>(() => new WebhookWay(address, new byte[31]));
    }

    private static async Task<(string Head, string Body)> AnswerAsync(TcpListener listener, int status)
    {
        using var client = await listener.AcceptTcpClientAsync();
        var stream = client.GetStream();
        var (bytes, buffer) = (new List<byte>(), new byte[4096]);
        while (true)
        {
            var read = await stream.ReadAsync(buffer);
            bytes.AddRange(buffer[..read]);
            var text = Encoding.UTF8.GetString([.. bytes]);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0 || !int.TryParse(text.Split("Content-Length: ")[1].Split("\r\n")[0], out var length) || text.Length < end + 4 + length) continue;
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            return (text[..end], text[(end + 4)..]);
        }
    }
}
