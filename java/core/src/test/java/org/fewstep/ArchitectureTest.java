package org.fewstep;

import static java.lang.classfile.ClassFile.ACC_PUBLIC;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.MTD_void;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.attribute.ModuleAttribute;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.constant.ClassDesc;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.fewstep.backend.Batch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Keeps the packages in their order: each uses only those below it.
 *
 * <p>Read from the class files, so that nothing hides: every name of a class of ours in a constant
 * pool counts, be it of a superclass, in a signature, an annotation or a line of code.
 */
class ArchitectureTest {

  private static final String ROOT = "org.fewstep";

  /** Found as services and named by nobody. */
  private static final Set<String> SERVICES = Set.of("backend.vector", "backend.scalar");

  /** From top to bottom; packages of one line do not use each other. */
  private static final List<Set<String>> LAYERS =
      List.of(
          Set.of("distill"),
          Set.of("selfconditioning"),
          Set.of("ridge"),
          Set.of("training"),
          Set.of("flow"),
          Set.of("grid"),
          SERVICES,
          Set.of("backend"),
          Set.of("network"),
          Set.of("mixture"),
          Set.of("diffusion"));

  /** A class of ours in internal form, alone or within a descriptor or a signature. */
  private static final Pattern OUR_CLASS =
      Pattern.compile("(?<![\\w/])L?org/fewstep/((?:[a-z0-9_]+/)*)[A-Z]\\w*");

  private static final String VECTOR_API = "jdk/incubator/vector";

  private static List<ClassModel> classes;

  @BeforeAll
  static void readClasses() throws IOException {
    try (Stream<Path> files = Files.walk(classFolder())) {
      classes =
          files
              .filter(file -> file.toString().endsWith(".class"))
              .map(ArchitectureTest::parse)
              .toList();
    }
  }

  private static Path classFolder() {
    try {
      return Path.of(Batch.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static ClassModel parse(Path file) {
    try {
      return ClassFile.of().parse(file);
    } catch (IOException e) {
      throw new UncheckedIOException(file.toString(), e);
    }
  }

  private static Stream<ClassModel> ordinary(Collection<ClassModel> models) {
    return models.stream().filter(model -> !model.isModuleInfo());
  }

  private static String name(ClassModel model) {
    return model.thisClass().asInternalName().replace('/', '.');
  }

  /** The package of a class below the root: "backend.vector", or "" for the root itself. */
  private static String packageOf(ClassModel model) {
    String inner = name(model).substring(ROOT.length() + 1);
    int dot = inner.lastIndexOf('.');
    return dot < 0 ? "" : inner.substring(0, dot);
  }

  private static Stream<String> constants(ClassModel model) {
    List<String> constants = new ArrayList<>();
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof Utf8Entry utf8) {
        constants.add(utf8.stringValue());
      }
    }
    return constants.stream();
  }

  private static Set<String> packagesUsedBy(ClassModel model) {
    return constants(model)
        .flatMap(constant -> OUR_CLASS.matcher(constant).results())
        .map(match -> match.group(1))
        .map(path -> path.isEmpty() ? "" : path.substring(0, path.length() - 1).replace('/', '.'))
        .filter(used -> !used.equals(packageOf(model)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Optional<Integer> layer(String name) {
    return LAYERS.stream().filter(layer -> layer.contains(name)).findFirst().map(LAYERS::indexOf);
  }

  private static boolean allowed(String from, String to) {
    Optional<Integer> upper = layer(from);
    Optional<Integer> lower = layer(to);
    return upper.isPresent()
        && lower.isPresent()
        && upper.get() < lower.get()
        && !SERVICES.contains(to);
  }

  /** Every use of a package that is not below the user's, as "class -> package". */
  private static List<String> forbiddenEdges(Collection<ClassModel> models) {
    return ordinary(models)
        .flatMap(
            model ->
                packagesUsedBy(model).stream()
                    .filter(used -> !allowed(packageOf(model), used))
                    .map(used -> name(model) + " -> " + used))
        .toList();
  }

  private static List<String> usersOfTheVectorApi(Collection<ClassModel> models) {
    return ordinary(models)
        .filter(model -> constants(model).anyMatch(constant -> constant.contains(VECTOR_API)))
        .filter(model -> !packageOf(model).equals("backend.vector"))
        .map(ArchitectureTest::name)
        .toList();
  }

  private static List<String> writersToTheConsole(Collection<ClassModel> models) {
    return ordinary(models)
        .filter(ArchitectureTest::writesToTheConsole)
        .map(ArchitectureTest::name)
        .toList();
  }

  private static boolean writesToTheConsole(ClassModel model) {
    for (PoolEntry entry : model.constantPool()) {
      if (entry instanceof MemberRefEntry member) {
        String owner = member.owner().asInternalName();
        String name = member.name().stringValue();
        if (owner.equals("java/lang/System") && Set.of("out", "err", "console").contains(name)
            || owner.equals("java/lang/IO")
            || name.equals("printStackTrace") && member.type().stringValue().equals("()V")) {
          return true;
        }
      }
    }
    return false;
  }

  @Test
  void everyPackageUsesOnlyThoseBelowIt() {
    assertThat(forbiddenEdges(classes)).isEmpty();
  }

  @Test
  void everyPackageHasItsPlaceInTheOrder() {
    assertThat(ordinary(classes).map(ArchitectureTest::packageOf).distinct())
        .allMatch(name -> layer(name).isPresent(), "a package of the table");
  }

  @Test
  void onlyTheVectorBackendNamesTheVectorApi() {
    assertThat(usersOfTheVectorApi(classes)).isEmpty();
  }

  @Test
  void theLibraryNeverWritesToTheConsole() {
    assertThat(writersToTheConsole(classes)).isEmpty();
  }

  @Test
  void everyPackageButTheServicesIsExported() {
    ModuleAttribute module =
        classes.stream()
            .filter(ClassModel::isModuleInfo)
            .map(model -> model.findAttribute(Attributes.module()))
            .findFirst()
            .orElseThrow()
            .orElseThrow();
    Set<String> exported =
        module.exports().stream()
            .map(export -> export.exportedPackage().asSymbol().name())
            .collect(Collectors.toSet());
    Set<String> expected =
        ordinary(classes)
            .map(ArchitectureTest::packageOf)
            .filter(name -> !SERVICES.contains(name))
            .map(name -> ROOT + "." + name)
            .collect(Collectors.toSet());
    assertThat(exported).isEqualTo(expected);
  }

  /** The module system says so at run time; this says so, too, of what runs on a class path. */
  @Test
  void noOtherModuleNamesWhatIsNotExported() throws IOException {
    Path repository = classFolder().resolve("../../../..").normalize();
    Pattern service = Pattern.compile("org\\.fewstep\\.backend\\.(vector|scalar)\\b");
    List<Path> read = new ArrayList<>();
    List<String> offenders = new ArrayList<>();
    for (String module : List.of("java/io", "java/cli", "java/examples", "native", "bench")) {
      Path sources = repository.resolve(module).resolve("src");
      if (!Files.isDirectory(sources)) {
        continue;
      }
      try (Stream<Path> files = Files.walk(sources)) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          read.add(file);
          Matcher matcher = service.matcher(Files.readString(file));
          if (matcher.find()) {
            offenders.add(repository.relativize(file) + " names " + matcher.group());
          }
        }
      }
    }
    assertThat(read).as("sources of other modules that were read").hasSizeGreaterThan(5);
    assertThat(offenders).isEmpty();
  }

  /** A test that sees nothing finds nothing wrong: these must be seen. */
  @Test
  void theClassesAndTheirUsesAreSeen() {
    assertThat(ordinary(classes).map(ArchitectureTest::packageOf))
        .contains("grid", "backend", "backend.scalar", "backend.vector", "mixture", "diffusion");
    assertThat(ordinary(classes).count()).isGreaterThan(60);
    assertThat(packagesUsedBy(find("org.fewstep.backend.Backend")))
        .contains("mixture", "diffusion");
    assertThat(packagesUsedBy(find("org.fewstep.grid.TimeGrids")))
        .containsExactlyInAnyOrder("backend", "mixture", "diffusion");
    assertThat(packagesUsedBy(find("org.fewstep.diffusion.OrnsteinUhlenbeck"))).isEmpty();
    assertThat(
            ordinary(classes)
                .filter(model -> packageOf(model).equals("backend.vector"))
                .flatMap(ArchitectureTest::constants))
        .anyMatch(constant -> constant.contains(VECTOR_API));
  }

  private static ClassModel find(String name) {
    return ordinary(classes).filter(model -> name(model).equals(name)).findFirst().orElseThrow();
  }

  /** Classes that break each rule on purpose are caught. */
  @Test
  void offendersAreCaught() {
    assertThat(forbiddenEdges(List.of(user("mixture.Offender", "org.fewstep.grid.TimeGrid"))))
        .containsExactly("org.fewstep.mixture.Offender -> grid");
    assertThat(forbiddenEdges(List.of(user("flow.Offender", "org.fewstep.backend.vector.Tile"))))
        .containsExactly("org.fewstep.flow.Offender -> backend.vector");
    assertThat(
            forbiddenEdges(
                List.of(user("backend.scalar.Offender", "org.fewstep.backend.vector.Tile"))))
        .containsExactly("org.fewstep.backend.scalar.Offender -> backend.vector");
    assertThat(forbiddenEdges(List.of(user("backend.Offender", "org.fewstep.cuda.CudaBackend"))))
        .containsExactly("org.fewstep.backend.Offender -> cuda");
    assertThat(forbiddenEdges(List.of(user("flow.Fair", "org.fewstep.grid.TimeGrid")))).isEmpty();
    ClassModel vectorUser = user("flow.Offender", "jdk.incubator.vector.FloatVector");
    assertThat(usersOfTheVectorApi(List.of(vectorUser))).containsExactly(name(vectorUser));
    ClassModel writer = user("flow.Offender", "java.lang.System");
    assertThat(writersToTheConsole(List.of(writer))).containsExactly(name(writer));
    assertThat(writersToTheConsole(List.of(user("flow.Fair", "java.lang.Math")))).isEmpty();
  }

  /** A class with one method that reads a static field "out" of another class. */
  private static ClassModel user(String name, String used) {
    byte[] bytes =
        ClassFile.of()
            .build(
                ClassDesc.of(ROOT + "." + name),
                builder ->
                    builder.withMethodBody(
                        "use",
                        MTD_void,
                        ACC_PUBLIC,
                        code -> code.getstatic(ClassDesc.of(used), "out", CD_int).pop().return_()));
    return ClassFile.of().parse(bytes);
  }
}
