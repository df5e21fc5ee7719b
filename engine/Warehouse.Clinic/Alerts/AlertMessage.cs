using System.Security.Cryptography;
using System.Text;
using Warehouse.Clinic.ClinVar;

namespace Warehouse.Clinic.Alerts;

/// <summary>What leaves the house: that something waits for somebody, under an id that means nothing. No person, no allele (I6).</summary>
/// <param name="Id">Of the alert; of a message over several, of itself.</param>
/// <param name="Recipient">Who it is for.</param>
/// <param name="Grade">The highest grade in it.</param>
/// <param name="Alerts">Over how many alerts.</param>
/// <param name="SentUtc">When.</param>
public sealed record AlertMessage(string Id, string Recipient, Grade Grade, int Alerts, DateTimeOffset SentUtc)
{
    /// <summary>True for the daily self-test.</summary>
    public bool IsSelfTest { get; init; }

    /// <summary>Of which raising and which telling of its alerts it is, in words of the log.</summary>
    public string Mark { get; init; } = "";

    /// <summary>
    /// What a receiver drops doubles by, in 32 hexadecimal digits: the same when the message is sent again, another for another recipient, another raising of the alert, and when it
    /// is told anew because nobody acknowledged it.
    /// </summary>
    public string Identity => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Id}\n{Recipient}\n{Mark}"))[..16]);
}

/// <summary>A way does not take what is for one recipient, and takes what is for others: he alone is tried again later. Its text has nothing of him.</summary>
public sealed class MessageRefusedException(string message, Exception? inner = null) : IOException(message, inner);

/// <summary>A way out for messages. Sending twice is allowed, since a stop may come between the sending and its record; messages of one <see cref="AlertMessage.Identity"/> are one.</summary>
public interface IAlertWay
{
    /// <summary>Its name in the log.</summary>
    string Name { get; }

    /// <summary>Sends; returns when it is taken on.</summary>
    /// <exception cref="MessageRefusedException">It was not, for this recipient: his are tried again later.</exception>
    /// <exception cref="IOException">It was not, and nobody's would be: all are tried again later.</exception>
    void Send(AlertMessage message);
}
