using Grpc.Core;
using Warehouse.Clinic.Alerts;
using Warehouse.Engine;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using CareRow = Warehouse.Clinic.Alerts.CareRow;

namespace Warehouse.Server.Services;

/// <summary>Who cares for whom. A change is in the audit log before it is made. Any thread.</summary>
internal sealed class CareService(CallGate gate, AlertHost alerts) : Care.CareBase
{
    /// <summary>Rows of one message, of one event, and of one import.</summary>
    private const int RowsAtOnce = 1000, MostRows = 1_000_000;

    public override Task List(ListCareRequest request, IServerStreamWriter<CareRows> responseStream, ServerCallContext context) =>
        gate.StreamAsync<CareRows>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var rows = alerts.Ask((sources, book) =>
            {
                sources.Name(book.Care.Keys, call.Audit.Shows);
                return book.Care.Values.OrderBy(r => r.Person, StringComparer.Ordinal).Select(AlertWire.Of).ToList();
            });
            foreach (var some in rows.Chunk(RowsAtOnce)) send(new CareRows { Rows = { some } });
            send(new CareRows { IsEnd = true });
            return rows.Count;
        });

    public override async Task<ImportCareReply> Import(IAsyncStreamReader<ImportCareRequest> requestStream, ServerCallContext context)
    {
        await using var requests = new Requests<ImportCareRequest>(requestStream, context);
        var first = await requests.FirstAsync(gate.Clock).ConfigureAwait(false);
        return await gate.AnswerAsync(context, first?.Asking ?? new(), first ?? new(), call =>
        {
            var rows = Read(requests, first);
            alerts.Name(rows.Select(r => r.Person), call.Audit.Shows);
            call.Audit.Begin();
            var unheld = alerts.Change((sources, book) =>
            {
                book.AppendDecided(call.Who.Caller.Id, sources.Store.Version, () => [.. rows.Chunk(RowsAtOnce).Select(r => new CareSet(r))]);
                return WatchIntake.Unheld(sources, rows.SelectMany(WatchIntake.NamedBy));
            });
            return Task.FromResult((new ImportCareReply { Rows = rows.Count, Unheld = { unheld } }, (long?)rows.Count));
        }, isStreamed: true).ConfigureAwait(false);
    }

    /// <summary>All rows: nothing is written before the last message says that they are all.</summary>
    private static List<CareRow> Read(Requests<ImportCareRequest> requests, ImportCareRequest? first)
    {
        var (rows, isWhole) = (new List<CareRow>(), first?.Commit == true);
        for (var message = first; message is not null; message = isWhole ? null : requests.Next())
        {
            if (message.Rows.Count > RowsAtOnce || rows.Count + message.Rows.Count > MostRows) throw Refusals.BadRequest("care-size");
            foreach (var row in message.Rows) rows.Add(WatchIntake.Checked(new CareRow(row.Person, row.Responsible, [.. row.Deputies]), new InputPlace("", rows.Count + 1, 0, "")));
            isWhole |= message.Commit;
        }
        return isWhole ? rows : throw Refusals.BadRequest("care-cut");
    }
}
