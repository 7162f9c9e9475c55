using Arcp.AspNetCore;
using Arcp.Runtime.DependencyInjection;
using Microsoft.AspNetCore.DataProtection;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets a runtime encrypt with the host's Data Protection.</summary>
public static class ArcpDataProtectionBuilderExtensions
{
    /// <summary>Encrypts what a durable store keeps of credentials (§9.8) with the host's Data Protection, under purposes of its own.</summary>
    /// <remarks>
    /// Data Protection's keys must outlive the process, or nothing that was stored can be read after a restart: where its default place does not last,
    /// as in a container, give them one, for example <c>services.AddDataProtection().PersistKeysToFileSystem(…).SetApplicationName(…)</c>.
    /// </remarks>
    /// <param name="builder">The runtime, of a host with a container. Data Protection must be registered when it is built; otherwise building it throws <see cref="InvalidOperationException"/>.</param>
    public static ArcpRuntimeBuilder UseDataProtection(this ArcpRuntimeBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseSecretProtector(static services => new DataProtectionSecretProtector(
            services.GetService<IDataProtectionProvider>()
            ?? throw new InvalidOperationException($"{nameof(UseDataProtection)} needs Data Protection among the host's services: call services.AddDataProtection().")));
    }
}
