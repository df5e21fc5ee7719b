using System.Net;
using System.Net.Sockets;

namespace Warehouse.Rpc.Server;

/// <summary>Places of calls whose callers nobody knows: a few for all, fewer for one address. What is remembered is of calls that run. Any thread.</summary>
internal sealed class Strangers(int most, int mostOfOne)
{
    private const int NetworkBytes = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _ofOne = [];
    private int _taken;

    /// <summary>Takes a place; dispose to give it back. Null when there is none.</summary>
    /// <param name="address">Whence the call comes; null for a unix socket.</param>
    public IDisposable? TryEnter(IPAddress? address)
    {
        var from = NetworkOf(address);
        lock (_gate)
        {
            var ofThis = _ofOne.GetValueOrDefault(from);
            if (_taken >= most || ofThis >= mostOfOne) return null;
            (_taken, _ofOne[from]) = (_taken + 1, ofThis + 1);
        }
        return new Place(this, from);
    }

    /// <summary>Whoever has an address of IPv6 has its network of 64 bits.</summary>
    private static IPAddress NetworkOf(IPAddress? address)
    {
        if (address is null) return IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(NetworkBytes).Clear();
        return new(bytes);
    }

    private void Leave(IPAddress from)
    {
        lock (_gate)
        {
            _taken--;
            if (--_ofOne[from] == 0) _ofOne.Remove(from);
        }
    }

    private sealed class Place(Strangers of, IPAddress from) : IDisposable
    {
        private int _isGiven;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isGiven, 1) == 0) of.Leave(from);
        }
    }
}
