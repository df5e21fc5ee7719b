using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;
using Warehouse.Rpc.Server;
using Alpha = Grpc.Reflection.V1Alpha;

namespace Warehouse.Rpc.Services;

/// <summary>Shows a server's services and their messages to clients that were not built for them, under both names that clients ask by.</summary>
public static class ReflectionService
{
    /// <summary>Adds reflection to the services: of those that are there already, and of itself.</summary>
    public static RpcServices AddReflection(this RpcServices services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var current = new Current();
        var older = new Older(current);
        services.Add(ServerReflection.BindService(current), ServerReflection.Descriptor);
        services.Add(Alpha.ServerReflection.BindService(older), Alpha.ServerReflection.Descriptor);
        current.Index = new(() => new(services.Descriptors));
        return services;
    }

    private sealed class Current : ServerReflection.ServerReflectionBase
    {
        public Lazy<DescriptorIndex> Index { get; set; } = new(() => new([]));

        public override async Task ServerReflectionInfo(IAsyncStreamReader<ServerReflectionRequest> requestStream, IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken).ConfigureAwait(false)) await responseStream.WriteAsync(Index.Value.Answer(requestStream.Current)).ConfigureAwait(false);
        }
    }

    /// <summary>The same messages under the older package; on the wire they are equal.</summary>
    private sealed class Older(Current current) : Alpha.ServerReflection.ServerReflectionBase
    {
        public override async Task ServerReflectionInfo(IAsyncStreamReader<Alpha.ServerReflectionRequest> requestStream, IServerStreamWriter<Alpha.ServerReflectionResponse> responseStream, ServerCallContext context)
        {
            while (await requestStream.MoveNext(context.CancellationToken).ConfigureAwait(false))
            {
                var request = ServerReflectionRequest.Parser.ParseFrom(requestStream.Current.ToByteString());
                await responseStream.WriteAsync(Alpha.ServerReflectionResponse.Parser.ParseFrom(current.Index.Value.Answer(request).ToByteString())).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Files by name and by the symbols in them.</summary>
    private sealed class DescriptorIndex
    {
        private readonly List<string> _services;
        private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal), _symbols = new(StringComparer.Ordinal);

        public DescriptorIndex(IEnumerable<ServiceDescriptor> services)
        {
            _services = [.. services.Select(service => service.FullName).Order(StringComparer.Ordinal)];
            foreach (var service in services) AddFile(service.File);
        }

        public ServerReflectionResponse Answer(ServerReflectionRequest request)
        {
            var response = request.MessageRequestCase switch
            {
                ServerReflectionRequest.MessageRequestOneofCase.ListServices => Services(),
                ServerReflectionRequest.MessageRequestOneofCase.FileByFilename => File(_files.GetValueOrDefault(request.FileByFilename)),
                ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol => File(_symbols.GetValueOrDefault(request.FileContainingSymbol)),
                ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension => File(Extensions(request.FileContainingExtension.ContainingType).FirstOrDefault(e => e.FieldNumber == request.FileContainingExtension.ExtensionNumber)?.File),
                ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType => ExtensionNumbers(request.AllExtensionNumbersOfType),
                _ => Error(StatusCode.InvalidArgument, "the request asks for nothing"),
            };
            response.ValidHost = request.Host;
            response.OriginalRequest = request;
            return response;
        }

        private ServerReflectionResponse Services()
        {
            var list = new ListServiceResponse();
            list.Service.AddRange(_services.Select(name => new ServiceResponse { Name = name }));
            return new() { ListServicesResponse = list };
        }

        private static ServerReflectionResponse File(FileDescriptor? file)
        {
            if (file is null) return Error(StatusCode.NotFound, "not found");
            var response = new FileDescriptorResponse();
            var seen = new HashSet<string>(StringComparer.Ordinal);
            Add(file);
            return new() { FileDescriptorResponse = response };

            void Add(FileDescriptor next)
            {
                if (!seen.Add(next.Name)) return;
                response.FileDescriptorProto.Add(next.SerializedData);
                foreach (var import in next.Dependencies) Add(import);
            }
        }

        private ServerReflectionResponse ExtensionNumbers(string type)
        {
            if (!_symbols.ContainsKey(type)) return Error(StatusCode.NotFound, "not found");
            var numbers = new ExtensionNumberResponse { BaseTypeName = type };
            numbers.ExtensionNumber.AddRange(Extensions(type).Select(extension => extension.FieldNumber).Order());
            return new() { AllExtensionNumbersResponse = numbers };
        }

        private IEnumerable<FieldDescriptor> Extensions(string type) =>
            _files.Values.SelectMany(file => file.Extensions.UnorderedExtensions).Where(extension => extension.ExtendeeType.FullName == type);

        private static ServerReflectionResponse Error(StatusCode code, string message) => new() { ErrorResponse = new() { ErrorCode = (int)code, ErrorMessage = message } };

        private void AddFile(FileDescriptor file)
        {
            if (!_files.TryAdd(file.Name, file)) return;
            foreach (var service in file.Services)
            {
                _symbols[service.FullName] = file;
                foreach (var method in service.Methods) _symbols[method.FullName] = file;
            }
            foreach (var type in file.MessageTypes) AddMessage(type);
            foreach (var type in file.EnumTypes) _symbols[type.FullName] = file;
            foreach (var extension in file.Extensions.UnorderedExtensions) _symbols[extension.FullName] = file;
            foreach (var import in file.Dependencies) AddFile(import);
        }

        private void AddMessage(MessageDescriptor message)
        {
            _symbols[message.FullName] = message.File;
            foreach (var field in message.Fields.InDeclarationOrder()) _symbols[field.FullName] = message.File;
            foreach (var oneof in message.Oneofs) _symbols[oneof.FullName] = message.File;
            foreach (var type in message.EnumTypes) _symbols[type.FullName] = message.File;
            foreach (var type in message.NestedTypes) AddMessage(type);
        }
    }
}
