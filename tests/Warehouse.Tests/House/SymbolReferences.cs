using System.Collections.Immutable;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Warehouse.Tests.House;

/// <summary>
/// Which types of an assembly use which of its other types: in bases, fields, signatures, locals, attributes and instructions.
/// Constants are copied by the compiler and leave no trace. What a nested or generated type uses is used by the type around it.
/// </summary>
internal sealed class SymbolReferences : IDisposable
{
    private static readonly OperandType[] OneByte = new OperandType[256], TwoByte = new OperandType[256];

    private readonly PEReader _file;
    private readonly MetadataReader _metadata;
    private readonly HashSet<TypeDefinitionHandle> _used = [];
    private readonly Collector _collector;

    static SymbolReferences()
    {
        foreach (var field in typeof(OpCodes).GetFields())
        {
            if (field.GetValue(null) is not OpCode code) continue;
            if (code.Size == 1) OneByte[code.Value & 0xFF] = code.OperandType;
            else TwoByte[code.Value & 0xFF] = code.OperandType;
        }
    }

    public SymbolReferences(string assemblyPath)
    {
        _file = new PEReader(File.OpenRead(assemblyPath));
        _metadata = _file.GetMetadataReader();
        _collector = new Collector(_used);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Pairs of full names of outermost types, each once; a type does not use itself.</summary>
    public HashSet<(TypeName From, TypeName To)> Read()
    {
        var pairs = new HashSet<(TypeName, TypeName)>();
        foreach (var handle in _metadata.TypeDefinitions)
        {
            _used.Clear();
            ReadType(_metadata.GetTypeDefinition(handle));
            var from = Outermost(handle);
            foreach (var to in _used.Select(Outermost))
                if (from != to && from.Namespace.Length > 0 && to.Namespace.Length > 0) pairs.Add((from, to));
        }
        return pairs;
    }

    private TypeName Outermost(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil) type = _metadata.GetTypeDefinition(type.GetDeclaringType());
        return new(_metadata.GetString(type.Namespace), _metadata.GetString(type.Name));
    }

    private void ReadType(TypeDefinition type)
    {
        ReadToken(type.BaseType);
        foreach (var i in type.GetInterfaceImplementations()) ReadToken(_metadata.GetInterfaceImplementation(i).Interface);
        ReadGenerics(type.GetGenericParameters());
        ReadAttributes(type.GetCustomAttributes());
        foreach (var handle in type.GetFields())
        {
            ReadToken(handle);
            ReadAttributes(_metadata.GetFieldDefinition(handle).GetCustomAttributes());
        }
        foreach (var handle in type.GetMethods())
        {
            var method = _metadata.GetMethodDefinition(handle);
            ReadToken(handle);
            ReadGenerics(method.GetGenericParameters());
            ReadAttributes(method.GetCustomAttributes());
            if (method.RelativeVirtualAddress != 0) ReadBody(_file.GetMethodBody(method.RelativeVirtualAddress));
        }
    }

    private void ReadGenerics(GenericParameterHandleCollection parameters)
    {
        foreach (var parameter in parameters)
            foreach (var constraint in _metadata.GetGenericParameter(parameter).GetConstraints())
                ReadToken(_metadata.GetGenericParameterConstraint(constraint).Type);
    }

    private void ReadAttributes(CustomAttributeHandleCollection attributes)
    {
        foreach (var attribute in attributes) ReadToken(_metadata.GetCustomAttribute(attribute).Constructor);
    }

    private void ReadBody(MethodBodyBlock body)
    {
        if (!body.LocalSignature.IsNil) ReadToken(body.LocalSignature);
        foreach (var region in body.ExceptionRegions) ReadToken(region.CatchType);
        var code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            int first = code.ReadByte();
            var operand = first == 0xFE ? TwoByte[code.ReadByte()] : OneByte[first];
            switch (operand)
            {
                case OperandType.InlineNone: break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar: code.Offset += 1; break;
                case OperandType.InlineVar: code.Offset += 2; break;
                case OperandType.InlineI8 or OperandType.InlineR: code.Offset += 8; break;
                case OperandType.InlineSwitch:
                    var targets = code.ReadInt32(); // first: it moves the offset itself
                    code.Offset += 4 * targets;
                    break;
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType or OperandType.InlineSig:
                    ReadToken(MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                default: code.Offset += 4; break;
            }
        }
    }

    /// <summary>Collects the types behind a token: a type, a member with its owner and signature, or a signature.</summary>
    private void ReadToken(EntityHandle handle)
    {
        if (handle.IsNil) return;
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition:
                _used.Add((TypeDefinitionHandle)handle);
                break;
            case HandleKind.TypeSpecification:
                _metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(_collector, null);
                break;
            case HandleKind.FieldDefinition:
                var field = _metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
                ReadToken(field.GetDeclaringType());
                field.DecodeSignature(_collector, null);
                break;
            case HandleKind.MethodDefinition:
                var method = _metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                ReadToken(method.GetDeclaringType());
                method.DecodeSignature(_collector, null);
                break;
            case HandleKind.MemberReference:
                var member = _metadata.GetMemberReference((MemberReferenceHandle)handle);
                ReadToken(member.Parent);
                if (member.GetKind() == MemberReferenceKind.Field) member.DecodeFieldSignature(_collector, null);
                else member.DecodeMethodSignature(_collector, null);
                break;
            case HandleKind.MethodSpecification:
                var specification = _metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                ReadToken(specification.Method);
                specification.DecodeSignature(_collector, null);
                break;
            case HandleKind.StandaloneSignature:
                var signature = _metadata.GetStandaloneSignature((StandaloneSignatureHandle)handle);
                if (signature.GetKind() == StandaloneSignatureKind.LocalVariables) signature.DecodeLocalSignature(_collector, null);
                else signature.DecodeMethodSignature(_collector, null);
                break;
        }
    }

    /// <summary>A type by namespace and name, as in metadata.</summary>
    internal readonly record struct TypeName(string Namespace, string Name);

    /// <summary>Notes every type definition that a signature passes; the decoded value itself is of no interest.</summary>
    private sealed class Collector(HashSet<TypeDefinitionHandle> used) : ISignatureTypeProvider<int, object?>
    {
        public int GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind)
        {
            used.Add(handle);
            return 0;
        }

        public int GetTypeFromSpecification(MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
            reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

        public int GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => 0;

        public int GetArrayType(int elementType, ArrayShape shape) => 0;

        public int GetByReferenceType(int elementType) => 0;

        public int GetFunctionPointerType(MethodSignature<int> signature) => 0;

        public int GetGenericInstantiation(int genericType, ImmutableArray<int> typeArguments) => 0;

        public int GetGenericMethodParameter(object? genericContext, int index) => 0;

        public int GetGenericTypeParameter(object? genericContext, int index) => 0;

        public int GetModifiedType(int modifier, int unmodifiedType, bool isRequired) => 0;

        public int GetPinnedType(int elementType) => 0;

        public int GetPointerType(int elementType) => 0;

        public int GetPrimitiveType(PrimitiveTypeCode typeCode) => 0;

        public int GetSZArrayType(int elementType) => 0;
    }
}
