package org.fewstep.backend.vector;

import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.fewstep.network.Unit;

/** The units of a layer, in runs of one kind, for groups of points. */
final class FloatUnits {

  private static final VectorSpecies<Float> SPECIES = FloatLanes.SPECIES;
  private static final int LENGTH = FloatLanes.LENGTH;
  private static final int GROUP = FloatLanes.GROUP;

  private static final int RELU = Unit.RELU.code();
  private static final int REQU = Unit.REQU.code();

  /** No units: an affine part as it is, of any number of coordinates. */
  static final FloatUnits LINEAR = new FloatUnits(List.of(Unit.LINEAR));

  /** The kind of each run, and where it ends in a group. */
  private final Unit[] kinds;

  private final int[] ends;

  /** The code of each unit, or of all of them. */
  private final int[] codes;

  FloatUnits(List<Unit> units) {
    int runs = 1;
    for (int i = 1; i < units.size(); i++) {
      runs += units.get(i) == units.get(i - 1) ? 0 : 1;
    }
    codes = runs == 1 ? new int[1] : new int[units.size()];
    Arrays.setAll(codes, i -> units.get(i).code());
    kinds = new Unit[runs];
    ends = new int[runs];
    int run = 0;
    for (int i = 0; i < units.size(); i++) {
      run += i > 0 && units.get(i) != units.get(i - 1) ? 1 : 0;
      kinds[run] = units.get(i);
      ends[run] = (i + 1) * GROUP;
    }
  }

  /** Whether every unit is linear. */
  boolean linear() {
    return kinds.length == 1 && kinds[0] == Unit.LINEAR;
  }

  /** The {@linkplain Unit#code code} of a unit, for {@link #value}. */
  int code(int unit) {
    return codes.length == 1 ? codes[0] : codes[unit];
  }

  /** The values of units of one code. Not a maximum: NaN of an overflow has to stay. */
  static FloatVector value(FloatVector z, int code) {
    if (code != RELU && code != REQU) {
      return z;
    }
    FloatVector zero = FloatVector.zero(SPECIES);
    VectorMask<Float> off = z.compare(VectorOperators.LT, zero);
    return code == RELU ? z.blend(zero, off) : z.mul(z).blend(zero, off);
  }

  /** Writes the values at z, which may lie in place of it. */
  void values(
      float[] z, int zStart, int zStride, float[] to, int toStart, int toStride, int groups) {
    for (int g = 0; g < groups; g++) {
      int from = zStart + g * zStride;
      int into = toStart + g * toStride;
      for (int run = 0, first = 0; run < kinds.length; first = ends[run++]) {
        int length = ends[run] - first;
        switch (kinds[run]) {
          case LINEAR -> System.arraycopy(z, from + first, to, into + first, length);
          case RELU -> relu(z, from + first, to, into + first, length);
          case REQU -> requ(z, from + first, to, into + first, length);
        }
      }
    }
  }

  /** Multiplies what slopes hold by the derivatives at z. */
  void derivatives(
      float[] z, int zStart, int zStride, float[] slopes, int start, int stride, int groups) {
    for (int g = 0; g < groups; g++) {
      int from = zStart + g * zStride;
      int into = start + g * stride;
      for (int run = 0, first = 0; run < kinds.length; first = ends[run++]) {
        int length = ends[run] - first;
        switch (kinds[run]) {
          case LINEAR -> {}
          case RELU -> reluSlopes(z, from + first, slopes, into + first, length);
          case REQU -> requSlopes(z, from + first, slopes, into + first, length);
        }
      }
    }
  }

  private static void relu(float[] z, int from, float[] to, int into, int length) {
    for (int i = 0; i < length; i += LENGTH) {
      value(FloatVector.fromArray(SPECIES, z, from + i), RELU).intoArray(to, into + i);
    }
  }

  private static void requ(float[] z, int from, float[] to, int into, int length) {
    for (int i = 0; i < length; i += LENGTH) {
      value(FloatVector.fromArray(SPECIES, z, from + i), REQU).intoArray(to, into + i);
    }
  }

  private static void reluSlopes(float[] z, int from, float[] slopes, int into, int length) {
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector v = FloatVector.fromArray(SPECIES, z, from + i);
      FloatVector slope = FloatVector.fromArray(SPECIES, slopes, into + i);
      zero.blend(slope, v.compare(VectorOperators.GT, zero)).intoArray(slopes, into + i);
    }
  }

  private static void requSlopes(float[] z, int from, float[] slopes, int into, int length) {
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int i = 0; i < length; i += LENGTH) {
      FloatVector v = FloatVector.fromArray(SPECIES, z, from + i);
      FloatVector slope = FloatVector.fromArray(SPECIES, slopes, into + i).mul(v.add(v));
      zero.blend(slope, v.compare(VectorOperators.GT, zero)).intoArray(slopes, into + i);
    }
  }
}
