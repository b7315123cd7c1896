package org.fewstep.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** What the emulated device can do that no real one does: fail on demand, and count its memory. */
final class EmulatedDevice {

  private static final SymbolLookup LIBRARY =
      SymbolLookup.libraryLookup(
          Path.of(System.getProperty(NativeLibrary.LIBRARY)), Arena.global());

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
    return Linker.nativeLinker().downcallHandle(LIBRARY.findOrThrow(name), type);
  }
}
