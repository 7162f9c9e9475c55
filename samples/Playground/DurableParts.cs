using System.Data.Common;
using System.Security.Cryptography;
using Arcp.Runtime.DependencyInjection;
using Arcp.Runtime.Storage;
using Arcp.Storage.Sqlite;

namespace Playground;

/// <summary>What <c>--store</c> adds to the runtime: the store, and the key that encrypts the secrets in it.</summary>
internal static class DurableParts
{
    private const int KeyBytes = 32;

    public static void AddTo(ArcpRuntimeBuilder builder, string file, DemonstrationCredentials? credentials)
    {
        string connectionString = new DbConnectionStringBuilder { ["Data Source"] = file }.ConnectionString;
        builder.UseSecretProtector(new AesGcmSecretProtector(LoadKey($"{file}.key")));
        if (credentials is null)
        {
            builder.UseSqliteStore(connectionString);
        }
        else
        {
            builder.UseCredentialProvisioner(credentials).UseStore(_ => new WatchedStore(new SqliteRuntimeStore(connectionString), credentials));
        }
    }

    // For a demonstration: a key that lies beside what it encrypts protects from little. A real host takes it from its secret store.
    private static byte[] LoadKey(string path)
    {
        if (!File.Exists(path))
        {
            // Complete, or not there at all, also for one who is killed meanwhile.
            string unfinished = $"{path}.{Environment.ProcessId}";
            File.Delete(unfinished);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var file = new FileStream(unfinished, options))
            {
                file.Write(RandomNumberGenerator.GetBytes(KeyBytes));
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, path);
        }

        byte[] key = File.ReadAllBytes(path);
        return key.Length == KeyBytes ? key : throw new IOException($"'{path}' must have {KeyBytes} bytes.");
    }
}
