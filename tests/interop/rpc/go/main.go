// The cases of gRPC's interoperability tests with grpc-go of Debian.
//
//	interop client PORT    runs every case, and prints "ok CASE" or "failed CASE: why"
//	interop server         prints "listening PORT", serves until standard input ends
//
// The messages are written by hand: that is all that the older protobuf runtime of grpc-go needs.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
)

type empty struct{}
type boolValue struct {
	Value bool `protobuf:"varint,1,opt,name=value,proto3"`
}
type payload struct {
	Type int32  `protobuf:"varint,1,opt,name=type,proto3"`
	Body []byte `protobuf:"bytes,2,opt,name=body,proto3"`
}
type echoStatus struct {
	Code    int32  `protobuf:"varint,1,opt,name=code,proto3"`
	Message string `protobuf:"bytes,2,opt,name=message,proto3"`
}
type simpleRequest struct {
	ResponseSize       int32       `protobuf:"varint,2,opt,name=response_size,proto3"`
	Payload            *payload    `protobuf:"bytes,3,opt,name=payload,proto3"`
	ResponseCompressed *boolValue  `protobuf:"bytes,6,opt,name=response_compressed,proto3"`
	ResponseStatus     *echoStatus `protobuf:"bytes,7,opt,name=response_status,proto3"`
	ExpectCompressed   *boolValue  `protobuf:"bytes,8,opt,name=expect_compressed,proto3"`
}
type simpleResponse struct {
	Payload *payload `protobuf:"bytes,1,opt,name=payload,proto3"`
}
type inputRequest struct {
	Payload          *payload   `protobuf:"bytes,1,opt,name=payload,proto3"`
	ExpectCompressed *boolValue `protobuf:"bytes,2,opt,name=expect_compressed,proto3"`
}
type inputResponse struct {
	AggregatedPayloadSize int32 `protobuf:"varint,1,opt,name=aggregated_payload_size,proto3"`
}
type parameters struct {
	Size       int32      `protobuf:"varint,1,opt,name=size,proto3"`
	IntervalUs int32      `protobuf:"varint,2,opt,name=interval_us,proto3"`
	Compressed *boolValue `protobuf:"bytes,3,opt,name=compressed,proto3"`
}
type outputRequest struct {
	ResponseParameters []*parameters `protobuf:"bytes,2,rep,name=response_parameters,proto3"`
	Payload            *payload      `protobuf:"bytes,3,opt,name=payload,proto3"`
	ResponseStatus     *echoStatus   `protobuf:"bytes,7,opt,name=response_status,proto3"`
}
type outputResponse struct {
	Payload *payload `protobuf:"bytes,1,opt,name=payload,proto3"`
}

func (m *empty) Reset()                  { *m = empty{} }
func (m *boolValue) Reset()              { *m = boolValue{} }
func (m *payload) Reset()                { *m = payload{} }
func (m *echoStatus) Reset()             { *m = echoStatus{} }
func (m *simpleRequest) Reset()          { *m = simpleRequest{} }
func (m *simpleResponse) Reset()         { *m = simpleResponse{} }
func (m *inputRequest) Reset()           { *m = inputRequest{} }
func (m *inputResponse) Reset()          { *m = inputResponse{} }
func (m *parameters) Reset()             { *m = parameters{} }
func (m *outputRequest) Reset()          { *m = outputRequest{} }
func (m *outputResponse) Reset()         { *m = outputResponse{} }
func (m *empty) String() string          { return proto.CompactTextString(m) }
func (m *boolValue) String() string      { return proto.CompactTextString(m) }
func (m *payload) String() string        { return proto.CompactTextString(m) }
func (m *echoStatus) String() string     { return proto.CompactTextString(m) }
func (m *simpleRequest) String() string  { return proto.CompactTextString(m) }
func (m *simpleResponse) String() string { return proto.CompactTextString(m) }
func (m *inputRequest) String() string   { return proto.CompactTextString(m) }
func (m *inputResponse) String() string  { return proto.CompactTextString(m) }
func (m *parameters) String() string     { return proto.CompactTextString(m) }
func (m *outputRequest) String() string  { return proto.CompactTextString(m) }
func (m *outputResponse) String() string { return proto.CompactTextString(m) }
func (*empty) ProtoMessage()             {}
func (*boolValue) ProtoMessage()         {}
func (*payload) ProtoMessage()           {}
func (*echoStatus) ProtoMessage()        {}
func (*simpleRequest) ProtoMessage()     {}
func (*simpleResponse) ProtoMessage()    {}
func (*inputRequest) ProtoMessage()      {}
func (*inputResponse) ProtoMessage()     {}
func (*parameters) ProtoMessage()        {}
func (*outputRequest) ProtoMessage()     {}
func (*outputResponse) ProtoMessage()    {}

const (
	service       = "/grpc.testing.TestService/"
	specialText   = "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001F608\t\n"
	echoInitial   = "x-grpc-test-echo-initial"
	echoTrailing  = "x-grpc-test-echo-trailing-bin"
	initialValue  = "test_initial_metadata_value"
	trailingValue = "\xab\xab\xab"
)

var both = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

func zeros(size int32) *payload { return &payload{Body: make([]byte, size)} }

func outputs(sizes ...int32) *outputRequest {
	request := &outputRequest{}
	for _, size := range sizes {
		request.ResponseParameters = append(request.ResponseParameters, &parameters{Size: size})
	}
	return request
}

func large() *simpleRequest { return &simpleRequest{ResponseSize: 314159, Payload: zeros(271828)} }

// client holds the connection of all cases.
type client struct{ connection *grpc.ClientConn }

func (c client) unary(request *simpleRequest, options ...grpc.CallOption) error {
	reply := &simpleResponse{}
	if err := c.connection.Invoke(context.Background(), service+"UnaryCall", request, reply, options...); err != nil {
		return err
	}
	return equal(len(reply.Payload.Body), 314159)
}

func (c client) open(ctx context.Context, method string, options ...grpc.CallOption) grpc.ClientStream {
	stream, err := c.connection.NewStream(ctx, both, service+method, options...)
	if err != nil {
		panic(err)
	}
	return stream
}

// sizes reads a stream of replies to its end.
func sizes(stream grpc.ClientStream) ([]int, error) {
	all := []int{}
	for {
		reply := &outputResponse{}
		if err := stream.RecvMsg(reply); err == io.EOF {
			return all, nil
		} else if err != nil {
			return all, err
		}
		all = append(all, len(reply.Payload.Body))
	}
}

// collect sends a stream of requests and returns the sum that comes back.
func (c client) collect(requests []*inputRequest, options ...grpc.CallOption) (int32, error) {
	stream := c.open(context.Background(), "StreamingInputCall", options...)
	for _, request := range requests {
		if err := stream.SendMsg(request); err != nil {
			break
		}
	}
	stream.CloseSend()
	reply := &inputResponse{}
	err := stream.RecvMsg(reply)
	return reply.AggregatedPayloadSize, err
}

func equal(actual, wanted interface{}) error {
	if fmt.Sprint(actual) != fmt.Sprint(wanted) {
		return fmt.Errorf("%v is not %v", actual, wanted)
	}
	return nil
}

func fails(code codes.Code, text string, err error) error {
	if status.Code(err) != code {
		return fmt.Errorf("%v is not %v", err, code)
	}
	if text != "" && status.Convert(err).Message() != text {
		return fmt.Errorf("%q is not %q", status.Convert(err).Message(), text)
	}
	return nil
}

func first(errors ...error) error {
	for _, err := range errors {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c client) ended(text string) error {
	asked := &echoStatus{Code: 2, Message: text}
	stream := c.open(context.Background(), "FullDuplexCall")
	stream.SendMsg(&outputRequest{ResponseStatus: asked})
	stream.CloseSend()
	_, err := sizes(stream)
	return first(fails(codes.Unknown, text, c.unary(&simpleRequest{ResponseStatus: asked})), fails(codes.Unknown, text, err))
}

func (c client) pingPong() error {
	stream := c.open(context.Background(), "FullDuplexCall")
	for _, turn := range [][2]int32{{27182, 31415}, {8, 9}, {1828, 2653}, {45904, 58979}} {
		request, reply := outputs(turn[1]), &outputResponse{}
		request.Payload = zeros(turn[0])
		if err := first(stream.SendMsg(request), stream.RecvMsg(reply), equal(len(reply.Payload.Body), turn[1])); err != nil {
			return err
		}
	}
	stream.CloseSend()
	rest, err := sizes(stream)
	return first(err, equal(len(rest), 0))
}

func (c client) customMetadata() error {
	ctx := metadata.AppendToOutgoingContext(context.Background(), echoInitial, initialValue, echoTrailing, trailingValue)
	header, trailer := metadata.MD{}, metadata.MD{}
	err := c.connection.Invoke(ctx, service+"UnaryCall", large(), &simpleResponse{}, grpc.Header(&header), grpc.Trailer(&trailer))
	stream := c.open(ctx, "FullDuplexCall")
	stream.SendMsg(outputs(9))
	stream.CloseSend()
	_, streamErr := sizes(stream)
	streamHeader, _ := stream.Header()
	return first(err, streamErr, equal(header[echoInitial], []string{initialValue}), equal(trailer[echoTrailing], []string{trailingValue}),
		equal(streamHeader[echoInitial], []string{initialValue}), equal(stream.Trailer()[echoTrailing], []string{trailingValue}))
}

func (c client) reflection() error {
	stream, err := reflectionpb.NewServerReflectionClient(c.connection).ServerReflectionInfo(context.Background())
	if err != nil {
		return err
	}
	stream.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	reply, err := stream.Recv()
	stream.CloseSend()
	return first(err, equal(strings.Contains(fmt.Sprint(reply.GetListServicesResponse()), "grpc.testing.TestService"), true))
}

func (c client) health() error {
	stub := healthpb.NewHealthClient(c.connection)
	reply, err := stub.Check(context.Background(), &healthpb.HealthCheckRequest{})
	_, unknown := stub.Check(context.Background(), &healthpb.HealthCheckRequest{Service: "nobody"})
	return first(err, equal(reply.GetStatus(), "SERVING"), fails(codes.NotFound, "", unknown))
}

func (c client) cancelled(afterFirst bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	stream := c.open(ctx, "FullDuplexCall")
	if afterFirst {
		if err := first(stream.SendMsg(outputs(31415)), stream.RecvMsg(&outputResponse{})); err != nil {
			return err
		}
	}
	cancel()
	return fails(codes.Canceled, "", stream.RecvMsg(&outputResponse{}))
}

func (c client) timeout() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	stream, err := c.connection.NewStream(ctx, both, service+"FullDuplexCall")
	if err != nil {
		return fails(codes.DeadlineExceeded, "", err)
	}
	request := outputs(31415)
	request.ResponseParameters[0].IntervalUs = 2000000
	stream.SendMsg(request)
	return fails(codes.DeadlineExceeded, "", stream.RecvMsg(&outputResponse{}))
}

func (c client) compressedStreaming() error {
	requests := []*inputRequest{}
	for _, size := range []int32{27182, 45904} {
		requests = append(requests, &inputRequest{Payload: zeros(size), ExpectCompressed: &boolValue{true}})
	}
	_, plain := c.collect(requests)
	sum, err := c.collect(requests, grpc.UseCompressor(gzip.Name))
	return first(fails(codes.InvalidArgument, "", plain), err, equal(sum, 73086))
}

func (c client) serverStreaming(request *outputRequest, wanted string) error {
	stream := c.open(context.Background(), "StreamingOutputCall")
	stream.SendMsg(request)
	stream.CloseSend()
	all, err := sizes(stream)
	return first(err, equal(all, wanted))
}

func (c client) cases() map[string]func() error {
	call := func(path string) error { return c.connection.Invoke(context.Background(), path, &empty{}, &empty{}) }
	packed := large()
	packed.ExpectCompressed = &boolValue{true}
	return map[string]func() error{
		"empty_unary": func() error { return call(service + "EmptyCall") },
		"large_unary": func() error { return c.unary(large()) },
		"client_streaming": func() error {
			requests := []*inputRequest{}
			for _, size := range []int32{27182, 8, 1828, 45904} {
				requests = append(requests, &inputRequest{Payload: zeros(size)})
			}
			sum, err := c.collect(requests)
			return first(err, equal(sum, 74922))
		},
		"server_streaming": func() error {
			return c.serverStreaming(outputs(31415, 9, 2653, 58979), "[31415 9 2653 58979]")
		},
		"ping_pong": c.pingPong,
		"empty_stream": func() error {
			stream := c.open(context.Background(), "FullDuplexCall")
			stream.CloseSend()
			all, err := sizes(stream)
			return first(err, equal(len(all), 0))
		},
		"cancel_after_begin":          func() error { return c.cancelled(false) },
		"cancel_after_first_response": func() error { return c.cancelled(true) },
		"timeout_on_sleeping_server":  c.timeout,
		"custom_metadata":             c.customMetadata,
		"status_code_and_message":     func() error { return c.ended("test status message") },
		"special_status_message":      func() error { return c.ended(specialText) },
		"unimplemented_method":        func() error { return fails(codes.Unimplemented, "", call(service+"UnimplementedCall")) },
		"unimplemented_service": func() error {
			return fails(codes.Unimplemented, "", call("/grpc.testing.UnimplementedService/UnimplementedCall"))
		},
		"client_compressed_unary": func() error {
			return first(fails(codes.InvalidArgument, "", c.unary(packed)), c.unary(packed, grpc.UseCompressor(gzip.Name)))
		},
		"client_compressed_streaming": c.compressedStreaming,
		"server_compressed_unary": func() error {
			request := large()
			request.ResponseCompressed = &boolValue{true}
			return first(c.unary(request), c.unary(large()))
		},
		"server_compressed_streaming": func() error {
			request := outputs(31415, 92653)
			request.ResponseParameters[0].Compressed = &boolValue{true}
			return c.serverStreaming(request, "[31415 92653]")
		},
		"health":     c.health,
		"reflection": c.reflection,
	}
}

func runClient(port string) {
	connection, err := grpc.Dial("127.0.0.1:"+port, grpc.WithInsecure(), grpc.WithBlock())
	if err != nil {
		panic(err)
	}
	for name, run := range (client{connection}).cases() {
		if err := run(); err != nil {
			fmt.Printf("failed %s: %v\n", name, err)
		} else {
			fmt.Println("ok", name)
		}
	}
}

// server is the type that the handlers below ask for; they need nothing of it.
type server interface{}

func echo(ctx context.Context, send func(metadata.MD) error, trail func(metadata.MD)) {
	received, _ := metadata.FromIncomingContext(ctx)
	if value := received[echoInitial]; len(value) > 0 {
		send(metadata.MD{echoInitial: value})
	}
	if value := received[echoTrailing]; len(value) > 0 {
		trail(metadata.MD{echoTrailing: value})
	}
}

func asked(wanted *echoStatus) error {
	if wanted == nil || wanted.Code == 0 {
		return nil
	}
	return status.Error(codes.Code(wanted.Code), wanted.Message)
}

func answer(stream grpc.ServerStream, request *outputRequest) error {
	if err := asked(request.ResponseStatus); err != nil {
		return err
	}
	for _, wanted := range request.ResponseParameters {
		time.Sleep(time.Duration(wanted.IntervalUs) * time.Microsecond)
		if err := stream.SendMsg(&outputResponse{Payload: zeros(wanted.Size)}); err != nil {
			return err
		}
	}
	return nil
}

func answerAll(_ interface{}, stream grpc.ServerStream) error {
	echo(stream.Context(), stream.SendHeader, stream.SetTrailer)
	for {
		request := &outputRequest{}
		if err := stream.RecvMsg(request); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		} else if err := answer(stream, request); err != nil {
			return err
		}
	}
}

func addUp(_ interface{}, stream grpc.ServerStream) error {
	sum := &inputResponse{}
	for {
		request := &inputRequest{}
		if err := stream.RecvMsg(request); err == io.EOF {
			return stream.SendMsg(sum)
		} else if err != nil {
			return err
		}
		sum.AggregatedPayloadSize += int32(len(request.Payload.Body))
	}
}

func answerEmpty(_ interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	return &empty{}, decode(&empty{})
}

func answerUnary(_ interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	request := &simpleRequest{}
	if err := decode(request); err != nil {
		return nil, err
	}
	echo(ctx, func(m metadata.MD) error { return grpc.SendHeader(ctx, m) }, func(m metadata.MD) { grpc.SetTrailer(ctx, m) })
	return &simpleResponse{Payload: zeros(request.ResponseSize)}, asked(request.ResponseStatus)
}

func runServer() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	host := grpc.NewServer()
	host.RegisterService(&grpc.ServiceDesc{
		ServiceName: "grpc.testing.TestService",
		HandlerType: (*server)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "EmptyCall", Handler: answerEmpty}, {MethodName: "UnaryCall", Handler: answerUnary}},
		Streams: []grpc.StreamDesc{
			{StreamName: "StreamingOutputCall", Handler: answerAll, ServerStreams: true, ClientStreams: true},
			{StreamName: "FullDuplexCall", Handler: answerAll, ServerStreams: true, ClientStreams: true},
			{StreamName: "StreamingInputCall", Handler: addUp, ClientStreams: true},
		},
	}, struct{}{})
	healthpb.RegisterHealthServer(host, health.NewServer())
	reflection.Register(host)
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	go host.Serve(listener)
	io.Copy(&bytes.Buffer{}, os.Stdin)
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "client" {
		runClient(os.Args[2])
	} else {
		runServer()
	}
}
