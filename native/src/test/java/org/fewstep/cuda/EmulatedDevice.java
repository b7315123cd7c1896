package org.fewstep.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What the emulated device can do that no real one does: fail on demand, and count its memory. */
final class EmulatedDevice {

  private EmulatedDevice() {}

  /** Makes the n-th runtime call from now on fail, n from 1; 0 ends it. */
  static void failAfter(int n) {
    try {
      handle("fs_emulation_fail_after", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT))
          .invokeExact(n);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Pieces of device and page-locked memory, streams and events that are not let go of. */
  static int live() {
    try {
      return (int)
          handle("fs_emulation_live_allocations", FunctionDescriptor.of(ValueLayout.JAVA_INT))
              .invokeExact();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MethodHandle handle(String name, FunctionDescriptor type) {
    assertThat(NativeLibrary.load()).isNull();
    return Linker.nativeLinker()
        .downcallHandle(SymbolLookup.loaderLookup().findOrThrow(name), type);
  }
}
