using Google.Protobuf;
using Grpc.Core;
using Warehouse.Protocol.Flight;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;
using Purpose = Warehouse.Protocol.V1.Purpose;

namespace Warehouse.Server.Services;

/// <summary>Tables of the store by Arrow Flight. What it answers goes the way of every other answer; what it does not is UNIMPLEMENTED. Any thread.</summary>
internal sealed class FlightTables(CallGate gate, Tickets tickets) : FlightService.FlightServiceBase
{
    /// <summary>Levels of a query in JSON.</summary>
    private const int MostDepth = 16;

    private static readonly JsonParser Json = new(new JsonParser.Settings(MostDepth));

    public override Task ListFlights(Criteria request, IServerStreamWriter<FlightInfo> responseStream, ServerCallContext context) =>
        gate.StreamAsync<FlightInfo>(context, null, request, responseStream.WriteAsync, (_, send) =>
        {
            if (!request.Expression.IsEmpty) throw Refusals.BadRequest("expression");
            foreach (var name in (ReadOnlySpan<string>)["frequencies", "sites"])
            {
                var descriptor = new FlightDescriptor { Type = FlightDescriptor.Types.DescriptorType.Path, Path = { name } };
                send(new FlightInfo { Schema = SchemaOf(QueryOf(name, Purpose.Unspecified)!), FlightDescriptor = descriptor, TotalRecords = -1, TotalBytes = -1, Ordered = true });
            }
            return 2;
        });

    public override Task<SchemaResult> GetSchema(FlightDescriptor request, ServerCallContext context) => gate.AnswerAsync(context, null, request, _ =>
        Task.FromResult((new SchemaResult { Schema = SchemaOf(Read(request) ?? throw Refusals.BadRequest("descriptor")) }, (long?)1)));

    public override Task<FlightInfo> GetFlightInfo(FlightDescriptor request, ServerCallContext context)
    {
        var query = Read(request);
        return gate.AnswerAsync(context, AskingOf(query), request, call =>
        {
            if (query is null || AskingOf(query) is not { } asking) throw Refusals.BadRequest("descriptor");
            var session = call.Ask(asking, isListing: true);
            // The ticket is of this snapshot, whatever is committed before it is shown.
            asking.Snapshot = session.Snapshot;
            var ticket = new Ticket { Ticket_ = UnsafeByteOperations.UnsafeWrap(tickets.Seal(call.Who.Caller, query.ToByteArray())) };
            var info = new FlightInfo { Schema = SchemaOf(query), FlightDescriptor = request, Endpoint = { new FlightEndpoint { Ticket = ticket } }, TotalRecords = -1, TotalBytes = -1, Ordered = true };
#if PLANTED_HIDDEN_SIZE_ANNOUNCED
            info.TotalRecords = session.SampleCount;
#endif
            return Task.FromResult((info, (long?)1));
        });
    }

    public override Task DoGet(Ticket request, IServerStreamWriter<FlightData> responseStream, ServerCallContext context)
    {
        // Only to know what is said of it: nothing is done by it before the ticket is known to be good.
        var query = Parse(Tickets.Unchecked(request.Ticket_.Span));
        var asking = AskingOf(query) is { Purpose: not Purpose.Unspecified } said ? said : null;
        return gate.StreamAsync<FlightData>(context, asking, request, responseStream.WriteAsync, (call, send) =>
        {
            if (!tickets.IsGood(call.Who.Caller, request.Ticket_.Span) || query is null || asking is null) throw Refusals.BadRequest("ticket");
            var stream = new FlightStream(send);
            var rows = query.TableCase switch
            {
                FlightQuery.TableOneofCase.Frequencies => VariantsService.List(call, query.Frequencies, stream, (false, null)),
                FlightQuery.TableOneofCase.Sites => VariantsService.List(call, query.Sites, stream, (true, null)),
                _ => Carriers(call, query.Carriers, stream),
            };
            var end = new AnswerEnd { Context = call.Context(), Completeness = Wire.Of(call.Session.Unavailable), Rows = rows };
            if (end.Completeness.Unavailable.Count > 0) gate.Report.FoundDamage();
            send(new FlightData { AppMetadata = end.ToByteString() });
            return rows;
        });
    }

    private static long Carriers(Call call, CarriersRequest request, FlightStream stream)
    {
        VariantsService.CheckCount(request.Queries.Count, VariantsService.MostQueries);
        if (request.Annotate.Count > 0) throw Refusals.BadRequest("annotate");
        var session = call.Ask(request.Asking ?? new());
        var rows = new ArrowAnswer(stream, ArrowAnswer.Carriers);
        foreach (var answer in session.Carriers(request.Queries, call.Stop))
        {
            // A table has no place to say that a part of the store did not answer.
            if (answer.Seen.Damage is { } damage) throw new InvalidDataException(damage);
            foreach (var carrier in answer.Carriers) rows.Write(answer.Seen, carrier);
        }
        rows.Complete();
        return rows.Rows;
    }

    private static ByteString SchemaOf(FlightQuery query) => UnsafeByteOperations.UnsafeWrap(ArrowAnswer.MessageOf(query.TableCase switch
    {
        FlightQuery.TableOneofCase.Frequencies => ArrowAnswer.Frequencies(query.Frequencies.Symbolic, query.Frequencies.By.Length > 0),
        FlightQuery.TableOneofCase.Sites => ArrowAnswer.Sites(query.Sites.Symbolic),
        _ => ArrowAnswer.Carriers,
    }));

    private static Asking? AskingOf(FlightQuery? query) => query?.TableCase switch
    {
        FlightQuery.TableOneofCase.Frequencies => query.Frequencies.Asking, FlightQuery.TableOneofCase.Sites => query.Sites.Asking, FlightQuery.TableOneofCase.Carriers => query.Carriers.Asking, _ => null,
    };

    /// <summary>What a descriptor asks for; null when that is not understood.</summary>
    private static FlightQuery? Read(FlightDescriptor descriptor) => descriptor switch
    {
        { Type: FlightDescriptor.Types.DescriptorType.Cmd, Path.Count: 0 } => Parse(descriptor.Cmd.Span),
        { Type: FlightDescriptor.Types.DescriptorType.Path, Cmd.IsEmpty: true, Path.Count: 1 } => QueryOf(descriptor.Path[0], Purpose.Unspecified),
        { Type: FlightDescriptor.Types.DescriptorType.Path, Cmd.IsEmpty: true, Path.Count: 2 } => descriptor.Path[1] switch
        {
            "treatment" => QueryOf(descriptor.Path[0], Purpose.Treatment), "operations" => QueryOf(descriptor.Path[0], Purpose.Operations), "research" => QueryOf(descriptor.Path[0], Purpose.Research), _ => null,
        },
        _ => null,
    };

    private static FlightQuery? QueryOf(string name, Purpose purpose) => name switch
    {
        "frequencies" => new() { Frequencies = new FrequenciesRequest { Asking = new Asking { Purpose = purpose } } },
        "sites" => new() { Sites = new FrequenciesRequest { Asking = new Asking { Purpose = purpose } } },
        _ => null,
    };

    private static FlightQuery? Parse(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var query = bytes is [(byte)'{', ..] ? Json.Parse<FlightQuery>(System.Text.Encoding.UTF8.GetString(bytes)) : FlightQuery.Parser.ParseFrom(bytes);
            return query.TableCase == FlightQuery.TableOneofCase.None ? null : query;
        }
        catch (Exception bad) when (bad is InvalidProtocolBufferException or InvalidJsonException or FormatException or OverflowException or ArgumentException)
        {
            return null;
        }
    }
}
