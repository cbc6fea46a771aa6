import "reflect-metadata";
import { Controller, type INestMicroservice, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { EventPattern, MessagePattern, type MicroserviceOptions, Payload, Transport } from "@nestjs/microservices";

export const rmq = (url: string) => ({
  transport: Transport.RMQ as const,
  options: { urls: [url], queue: "math", queueOptions: { durable: true } },
});

export const seen: string[] = [];

@Controller()
class MathController {
  @MessagePattern("sum")
  sum(@Payload() numbers: number[]): number {
    return numbers.reduce((total, each) => total + each, 0);
  }

  @EventPattern("noted")
  noted(@Payload() text: string): void {
    seen.push(text);
  }
}

@Module({ controllers: [MathController] })
class MathModule {}

/** A NestJS microservice on a RabbitMQ queue, as it would run in production. */
export async function startMathService(url: string): Promise<INestMicroservice> {
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(MathModule, { ...rmq(url), logger: false });
  await service.listen();
  return service;
}
