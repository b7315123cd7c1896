package org.fewstep.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.fewstep.backend.Availability;
import org.fewstep.backend.BackendProvider;
import org.fewstep.backend.Backends;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Tells which backends there are. */
@Command(name = "info", description = "Prints one line a backend: name, available or not, and why.")
final class InfoCommand implements Callable<Integer> {

  @Mixin private CommonOptions common;

  @Override
  public Integer call() throws IOException {
    common.check();
    List<BackendProvider> providers = Backends.providers();
    if (common.json()) {
      Json.print(common.out(), out -> write(out, providers));
    } else {
      for (BackendProvider provider : providers) {
        Availability availability = provider.availability();
        common
            .out()
            .printf(
                "%-8s %-14s %s%n",
                provider.name(),
                availability.available() ? "available" : "not available",
                availability.reason());
      }
    }
    return 0;
  }

  private static void write(JsonGenerator out, List<BackendProvider> providers) throws IOException {
    out.writeStringField("version", Version.text());
    out.writeStringField("java", Runtime.version().toString());
    out.writeNumberField("processors", Runtime.getRuntime().availableProcessors());
    out.writeArrayFieldStart("backends");
    for (BackendProvider provider : providers) {
      Availability availability = provider.availability();
      out.writeStartObject();
      out.writeStringField("name", provider.name());
      out.writeBooleanField("available", availability.available());
      out.writeStringField("reason", availability.reason());
      out.writeEndObject();
    }
    out.writeEndArray();
  }
}
